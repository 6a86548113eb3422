// Size: bytes as people read them.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Three significant digits and a binary unit: `512 B`, `1.50 KiB`, `412 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes, power = 0;
  // 1023.5 and more would be written with four digits, so it goes to the next unit.
  while (value >= 1023.5 && power < units.length - 1) {
    value /= 1024;
    power++;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[power]}`;
}
