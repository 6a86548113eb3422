// Plugin: the house rules for `deno lint`. They run wherever lint runs, the editor included; each
// is tried on a good and a bad snippet in tests/house/lint_test.ts.

import { layerOrder, noNodeAtStart } from "./arrows.ts";
import { fileLength, functionLength } from "./lengths.ts";
import {
  clockPort,
  memoryBuffer,
  noConsoleBelowCli,
  noDlopenOutsideFfi,
  pureFormat,
} from "./purity.ts";

/** The house rules, by the name that a diagnostic shows: `house/layer-order` and so on. */
const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    "layer-order": layerOrder,
    "pure-format": pureFormat,
    "no-console-below-cli": noConsoleBelowCli,
    "clock-port": clockPort,
    "memory-buffer": memoryBuffer,
    "no-dlopen-outside-ffi": noDlopenOutsideFfi,
    "file-length": fileLength,
    "function-length": functionLength,
    "no-node-at-start": noNodeAtStart,
  },
};

export default plugin;
