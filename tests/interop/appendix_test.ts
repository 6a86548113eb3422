// The Python of the appendix of docs/format.md is run as it stands there, and must give what the
// worked example shows and what b3sum says.

import { strictEqual } from "node:assert/strict";

const check = `
lines = (b"BlockFrame keeps this line safe.\\n" * 187)[:6000]
text = lambda words: b"".join(word.to_bytes(4, "little") for word in words).hex()
print(text(digest(lines[:1024], 0, False)))
print(text(digest(lines[1024:2048], 1, False)))
print(text(digest(lines, 0, True)))
print(text(digest(b"", 0, True)))
`;

Deno.test("the appendix of docs/format.md computes the digests of the worked example", async () => {
  const page = await Deno.readTextFile(
    new URL("../../docs/format.md", import.meta.url),
  );
  const code = /```python\n(.*?)```/s.exec(page)?.[1] ?? "";
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", code + check],
  }).output();
  strictEqual(success, true, new TextDecoder().decode(stderr));
  const [slot0, slot1, root, empty] = new TextDecoder().decode(stdout).split(
    "\n",
  );
  strictEqual(page.includes(`"inline": "${slot0}${slot1}`), true);
  strictEqual(page.includes(`"root": "${root}"`), true);
  // The published hash of the empty string.
  strictEqual(
    empty,
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  );
});
