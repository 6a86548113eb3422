// Whether names that Windows holds to be one are one to us, too: every unit of UTF-16 is asked of
// ntdll. Run by wine.ts, in Deno for Windows.

import { foldWindowsName } from "../../../src/view/windows_names.ts";

const { symbols } = Deno.dlopen("ntdll.dll", {
  RtlUpcaseUnicodeChar: { parameters: ["u16"], result: "u16" },
});
let equalCount = 0;
const apart: string[] = [];
for (let code = 0; code < 0x10000; code++) {
  const upper = symbols.RtlUpcaseUnicodeChar(code);
  if (upper === code) continue;
  const [one, other] = [code, upper].map((each) =>
    foldWindowsName(String.fromCharCode(each))
  );
  if (one === other) equalCount++;
  else apart.push(`${code.toString(16)}/${upper.toString(16)}`);
}
console.log(JSON.stringify({ equalCount, apart }));
