// Assertions: for what only a mistake of ours can make false. On in production, because a storage
// engine that goes on after a broken invariant writes damage. Never used on input or on disk bytes.

/** Thrown when an invariant of the program itself does not hold. */
export class AssertionError extends Error {
  override readonly name: string = "AssertionError";
}

/**
 * Stops when `condition` is false.
 * @throws {AssertionError}
 */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`Broken invariant: ${claim}`);
}

/**
 * The value, which the caller knows to be there (an index within bounds, say).
 * @throws {AssertionError} if it is not
 */
export function present<T>(value: T | undefined, claim: string): T {
  assert(value !== undefined, claim);
  return value;
}

/**
 * Ends a `switch` over a closed union: the compiler refuses it while a variant is unhandled.
 * @throws {AssertionError} if an unknown variant arrives all the same
 */
export function unreachable(value: never): never {
  throw new AssertionError(
    `Broken invariant: unknown variant ${JSON.stringify(value)}`,
  );
}
