// Version: the number that `--version` prints. A test holds it equal to the one in deno.json.

/** The version of this program. */
export const version = "0.1.0";
