/* Codec ISA-L: how fast Intel's library encodes here, on one core, with AVX2.
 *
 * Build: cc -O2 -o codec_isal codec_isal.c -lisal        (Debian: libisal-dev)
 * Run:   codec_isal K M SHARD_BYTES STRIDE_BYTES MILLISECONDS
 * Prints the gigabytes of data per second (10^9 bytes, parity not counted) of the best of slices of
 * 4 ms: other work on the machine then spoils a slice and not the number. Calls the AVX2 routine by name: the dispatcher would take AVX-512 or GFNI where
 * there is one, which WebAssembly has no counterpart of.
 */
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: codec_isal K M SHARD_BYTES STRIDE_BYTES MILLISECONDS\n");
    return 2;
  }
  int k = atoi(argv[1]), m = atoi(argv[2]);
  size_t bytes = strtoul(argv[3], NULL, 10), stride = strtoul(argv[4], NULL, 10);
  double seconds = atof(argv[5]) / 1000;

  unsigned char *memory = aligned_alloc(4096, ((k + m) * stride + 4095) & ~(size_t)4095);
  unsigned char *matrix = malloc((size_t)(k + m) * k);
  unsigned char *tables = malloc((size_t)32 * k * m);
  unsigned char *shards[256];
  if (!memory || !matrix || !tables || k < 1 || m < 1 || k + m > 256) return 2;
  for (size_t at = 0; at < (k + m) * stride; at++) memory[at] = (unsigned char)(at * 31 + at / 255);
  for (int shard = 0; shard < k + m; shard++) shards[shard] = memory + shard * stride;

  gf_gen_cauchy1_matrix(matrix, k + m, k);
  ec_init_tables(k, m, matrix + (size_t)k * k, tables);

  for (int warm = 0; warm < 3; warm++)
    ec_encode_data_avx2((int)bytes, k, m, tables, shards, shards + k);
  double start = now(), best = 0;
  do {
    double slice = now(), spent;
    long passes = 0;
    do {
      ec_encode_data_avx2((int)bytes, k, m, tables, shards, shards + k);
      passes++;
      spent = now() - slice;
    } while (spent < 0.004);
    double rate = (double)passes * k * bytes / spent / 1e9;
    if (rate > best) best = rate;
  } while (now() - start < seconds);
  printf("%.3f\n", best);
  return 0;
}
