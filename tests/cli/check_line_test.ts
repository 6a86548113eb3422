import assert from "node:assert/strict";
import { formatCheckLine } from "../../src/cli/check_line.ts";

const hash = "0123456789abcdef".repeat(4);

for (
  const [file, line] of [
    ["video.mp4", `${hash}  video.mp4`],
    [" a  b ", `${hash}   a  b `],
    ["-dash", `${hash}  -dash`],
    ["back\\slash", `\\${hash}  back\\\\slash`],
    ["new\nline", `\\${hash}  new\\nline`],
    ["\\n", `\\${hash}  \\\\n`],
    ["tab\t\x1b", `${hash}  tab\t\x1b`],
  ] as const
) {
  Deno.test(`formatCheckLine() of ${JSON.stringify(file)}`, () => {
    assert.equal(formatCheckLine(file, hash), line);
  });
}

Deno.test("formatCheckLine() of a damaged file has a hash that no file has", () => {
  assert.equal(formatCheckLine("bad"), `${"0".repeat(64)}  bad`);
});
