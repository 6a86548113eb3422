// Stand-in: an executable of a few kilobytes that answers what tools/release.ts asks of the program,
// so that the packing is tested in seconds. VERSION comes from the compiler's command line.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the real one has somewhere inside.
__attribute__((used)) static const char runtime[] =
    "Deno/2.9.6 15.0.245.2-rusty "
    "/usr/registry/src/index.crates.io-19/slab-0.4.9/src/lib.rs"
    "/usr/registry/src/index.crates.io-19/ash-0.38.0+1.3.281/src/lib.rs"
    "/usr/registry/src/index.crates.io-19/slab-0.4.9/src/builder.rs";

int main(int count, char **words) {
  const char *command = count > 1 ? words[1] : "";
  if (strcmp(command, "--version") == 0) {
    if (count > 2) {
      const char *ending = getenv("STAND_IN_DIRTY") ? "-dirty" : "";
      printf("{\"type\":\"version\",\"schema\":1,\"version\":\"" VERSION "\","
           "\"commit\":\"0123456789abcdef%s\","
           "\"runtime\":{\"deno\":\"2.9.6\",\"v8\":\"15.0.245.2-rusty\"}}",
             ending);
    } else {
      puts("blockframe " VERSION);
    }
    return 0;
  }
  // Texts that cannot be had, if the environment says so.
  if (getenv("STAND_IN_SILENT") != NULL) return 16;
  if (strcmp(command, "man") == 0) {
    puts(".TH BLOCKFRAME 1\n.SH NAME\nblockframe \\- keep files safe");
    return 0;
  }
  if (strcmp(command, "completions") == 0 && count > 2) {
    printf("# completions for %s\n", words[2]);
    return 0;
  }
  fprintf(stderr, "unknown command %s\n", command);
  return 16;
}
