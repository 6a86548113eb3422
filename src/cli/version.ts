// Version: the number that `--version` prints. Its one home is deno.json.

import configuration from "../../deno.json" with { type: "json" };

/** The version of this program. */
export const version: string = configuration.version;
