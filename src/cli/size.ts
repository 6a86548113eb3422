// Size: bytes as people write and read them. "10MB" is decimal (10^7), "10MiB" and the bare letter
// "10M" are binary (10 * 2^20), a plain number is bytes. Exact: no floating point on the way in.

export { formatSize } from "../base/size.ts";

const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const decimalUnits = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

/** What a size may look like, for messages. */
export const sizeForms = `a size such as 4096, "64KiB", "32MiB" or "1.5GB"`;

/**
 * The bytes that `text` stands for, rounded down to a whole byte; undefined if it is no size or
 * more than 2^53 - 1.
 */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d{1,16})(?:\.(\d{1,15}))? ?([a-z]{0,3})$/i.exec(text);
  if (parts === null) return undefined;
  const [, whole = "", fraction = "", unitText = ""] = parts;
  const unit = parseUnit(unitText.toLowerCase());
  if (unit === undefined) return undefined;
  if (unit === 1n && fraction !== "") return undefined;
  const scale = 10n ** BigInt(fraction.length);
  const bytes = BigInt(whole + fraction) * unit / scale;
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined;
}

function parseUnit(unit: string): bigint | undefined {
  if (unit === "") return 1n;
  for (let power = 0; power < decimalUnits.length; power++) {
    if (unit === decimalUnits[power]!.toLowerCase()) {
      return 1000n ** BigInt(power);
    }
    if (unit === binaryUnits[power]!.toLowerCase()) {
      return 1024n ** BigInt(power);
    }
    // The bare letter is binary, as in dd, LVM, restic and rclone.
    if (power > 0 && unit === decimalUnits[power]!.charAt(0).toLowerCase()) {
      return 1024n ** BigInt(power);
    }
  }
  return undefined;
}
