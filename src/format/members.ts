// Members: reading untrusted JSON, member by member. Whatever is not as it must be is Invalid, with
// words that name the member; decoders catch it and give it back as data.

import { type Bytes, formatHex, parseHex } from "../base/bytes.ts";
import { digestBytes } from "../base/limits.ts";

/** Thrown inside a decoder, and caught there: the content breaks a rule of the format. */
export class Invalid extends Error {}

/** The members of a JSON object, none of them judged yet. */
export type Members = Readonly<Record<string, unknown>>;

/** The value as an object. @throws {Invalid} */
export function readObject(value: unknown, what: string): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Invalid(`${what} is not an object`);
  }
  return value as Members;
}

/** A member of the object itself, never of its prototype. */
export function memberOf(members: Members, member: string): unknown {
  return Object.hasOwn(members, member) ? members[member] : undefined;
}

/** A member as an integer within bounds. @throws {Invalid} */
export function readInteger(
  members: Members,
  member: string,
  min: number,
  max: number,
): number {
  const value = memberOf(members, member);
  if (
    typeof value !== "number" || !Number.isSafeInteger(value) || value < min ||
    value > max
  ) {
    throw new Invalid(`"${member}" is not an integer from ${min} to ${max}`);
  }
  return value;
}

/** Digests, one after the other, from their hexadecimal digits. @throws {Invalid} */
export function readDigests(
  value: unknown,
  member: string,
  count: number,
): Bytes {
  const wanted = count * digestBytes * 2;
  const bytes = typeof value === "string" && value.length === wanted
    ? parseHex(value)
    : undefined;
  if (bytes === undefined) {
    throw new Invalid(`"${member}" is not ${wanted} hexadecimal digits`);
  }
  return bytes;
}

/** Digests, one after the other, from a list of texts. @throws {Invalid} */
export function readDigestList(
  value: unknown,
  member: string,
  count: number,
): Bytes {
  if (!Array.isArray(value) || value.length !== count) {
    throw new Invalid(`"${member}" is not a list of ${count} digests`);
  }
  const digests = new Uint8Array(count * digestBytes);
  value.forEach((text, index) => {
    digests.set(readDigests(text, member, 1), index * digestBytes);
  });
  return digests;
}

/** Digests as a list of texts. */
export function formatDigestList(digests: Bytes): string[] {
  const texts: string[] = [];
  for (let offset = 0; offset < digests.length; offset += digestBytes) {
    texts.push(formatHex(digests.subarray(offset, offset + digestBytes)));
  }
  return texts;
}
