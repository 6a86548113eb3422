// Members: reading untrusted JSON, member by member. Whatever is not as it must be is Invalid, with
// words that name the member; decoders catch it and give it back as data.

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
