// Start segment: what is appended to the Deno of the registry: the start stub, its table, and the
// strings that the table names. With it, starting the file is like typing `deno run FLAGS PROGRAM`
// in front of the user's arguments, in an environment without the variables that steer Deno.

import { assert } from "../../src/base/assert.ts";

/** What a start is to add to what the user gave. */
export interface Start {
  /** The first arguments, the name of the program among them; the user's follow. */
  readonly args: readonly string[];
  /** Variables that are set, as `NAME=value`. */
  readonly variables: readonly string[];
  /** Variables that begin so are not passed on. */
  readonly dropped: readonly string[];
  /** What is said where there is no current folder, or no `/proc`, and the exit code. */
  readonly refusals: {
    readonly lost: string;
    readonly unseen: string;
    readonly code: number;
  };
}

/** Where the program that the stub enters lies, as addresses of its ELF file. */
export interface StartPlace {
  readonly entry: number;
  readonly environSlot: number;
  readonly segmentAddress: number;
}

const wordBytes = 8;
const tableWords = 13;

/** The bytes of the segment; all that the stub reads is relative to their beginning. */
export function encodeStartSegment(
  stub: Uint8Array,
  place: StartPlace,
  start: Start,
): Uint8Array<ArrayBuffer> {
  assert(stub.length % wordBytes === 0, "the table follows the stub");
  const encoder = new TextEncoder();
  const lists = [start.args, start.variables, start.dropped];
  const encoded = lists.map((list) =>
    list.map((text) => encoder.encode(`${text}\0`))
  );
  const listsAt = stub.length + tableWords * wordBytes;
  const stringsAt = listsAt + lists.flat().length * wordBytes;
  const { lost, unseen, code } = start.refusals;
  const messages = [lost, unseen].map((text) => encoder.encode(text));
  const strings = [...encoded.flat(), ...messages];
  const bytes = strings.reduce((sum, one) => sum + one.length, stringsAt);
  const segment = new Uint8Array(bytes);
  segment.set(stub);
  const view = new DataView(segment.buffer);
  let at = stub.length;
  const write = (word: number) => {
    view.setBigInt64(at, BigInt(word), true);
    at += wordBytes;
  };
  write(place.entry - place.segmentAddress);
  write(place.environSlot - place.segmentAddress);
  let listAt = listsAt;
  for (const list of encoded) {
    write(list.length);
    write(listAt);
    listAt += list.length * wordBytes;
  }
  let messageAt = messages.reduce((at, { length }) => at - length, bytes);
  for (const message of messages) {
    write(messageAt);
    write(message.length);
    segment.set(message, messageAt);
    messageAt += message.length;
  }
  write(code);
  assert(at === listsAt, "the stub's table has thirteen words");
  let stringAt = stringsAt;
  for (const string of encoded.flat()) {
    write(stringAt);
    segment.set(string, stringAt);
    stringAt += string.length;
  }
  return segment;
}
