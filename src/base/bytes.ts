// Bytes: the one alias for byte arrays, and the small conversions that every layer needs.
// Assumes nothing about where the bytes live (JavaScript heap or WASM memory); never copies
// unless the name says so.

/** A run of bytes over any buffer. Who owns the buffer is said where it is passed. */
export type Bytes = Uint8Array<ArrayBufferLike>;

const hexDigits = "0123456789abcdef";

/** Lower-case hexadecimal text of `bytes`. */
export function formatHex(bytes: Bytes): string {
  let text = "";
  for (const byte of bytes) {
    text += hexDigits.charAt(byte >> 4) + hexDigits.charAt(byte & 15);
  }
  return text;
}

/** The bytes that lower-case hexadecimal `text` stands for, or `undefined` if it is not such text. */
export function parseHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = valueOfDigit(text.charCodeAt(2 * index));
    const low = valueOfDigit(text.charCodeAt(2 * index + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = high << 4 | low;
  }
  return bytes;
}

/** 0 to 15 for the character code of a lower-case hexadecimal digit, else -1. */
function valueOfDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}

/** Whether the two runs hold the same bytes. */
export function equalBytes(left: Bytes, right: Bytes): boolean {
  if (left.length !== right.length) return false;
  const isAligned = (left.byteOffset | right.byteOffset) % 4 === 0;
  // Few bytes are compared sooner than seen as words.
  const wordCount = isAligned && left.length >= 64 ? left.length >>> 2 : 0;
  if (wordCount > 0) {
    const lefts = new Int32Array(left.buffer, left.byteOffset, wordCount);
    const rights = new Int32Array(right.buffer, right.byteOffset, wordCount);
    for (let index = 0; index < wordCount; index++) {
      if (lefts[index] !== rights[index]) return false;
    }
  }
  for (let index = 4 * wordCount; index < left.length; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** Whether all bytes are 0. Bytes that are not are told by the first that is none. */
export function isZero(bytes: Bytes): boolean {
  const wordCount = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0;
  const words = new Int32Array(
    bytes.buffer,
    wordCount === 0 ? 0 : bytes.byteOffset,
    wordCount,
  );
  for (let index = 0; index < wordCount; index++) {
    if (words[index] !== 0) return false;
  }
  for (let index = 4 * wordCount; index < bytes.length; index++) {
    if (bytes[index] !== 0) return false;
  }
  return true;
}

/** A new array that holds `parts` one after the other. */
export function joinBytes(parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/**
 * Gives the memory of `bytes` back now, where nothing else lies beside them: they are empty then. The
 * collector comes late for what is outside the JavaScript heap.
 */
export function releaseBytes(bytes: Bytes): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer)) return;
  if (buffer.byteLength === bytes.length) buffer.transfer(0);
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. */
export function encodeUtf8(text: string): Bytes {
  return utf8Encoder.encode(text);
}

/** The text that UTF-8 `bytes` stand for, or `undefined` if they are not UTF-8. */
export function decodeUtf8(bytes: Bytes): string | undefined {
  try {
    return utf8Decoder.decode(bytes as Uint8Array<ArrayBuffer>);
  } catch {
    return undefined;
  }
}
