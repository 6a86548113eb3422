// Field: GF(2^16) as blockframe-rs has it (Leopard's). An element is an integer whose bits select
// members of a Cantor basis of polynomials modulo 0x1002D; adding is XOR. Tables of logarithms are
// made at first use (0.4 MB). Knows no shards.

import { assert } from "../../base/assert.ts";

const polynomial = 0x1002d;
const order = 0xffff;

const cantorBasis: readonly number[] = [
  0x0001,
  0xacca,
  0x3c0e,
  0x163e,
  0xc582,
  0xed2e,
  0x914c,
  0x4012,
  0x6c98,
  0x10d8,
  0x6a72,
  0xb900,
  0xfdb8,
  0xfb34,
  0xff38,
  0x991e,
];

interface Tables {
  /** Logarithm by element; that of 0 means nothing. */
  readonly logs: Uint16Array<ArrayBuffer>;
  /** Element by logarithm. */
  readonly elements: Uint16Array<ArrayBuffer>;
}

let tables: Tables | undefined;

/** The product of two elements. */
export function multiply(left: number, right: number): number {
  if (left === 0 || right === 0) return 0;
  const { logs, elements } = tables ??= makeTables();
  return elements[(logs[left]! + logs[right]!) % order]!;
}

/** The quotient of two elements, the second of which is not 0. */
export function divide(left: number, right: number): number {
  assert(right !== 0, "nothing is divided by zero");
  if (left === 0) return 0;
  const { logs, elements } = tables ??= makeTables();
  return elements[(logs[left]! + order - logs[right]!) % order]!;
}

function makeTables(): Tables {
  const elementOf = new Uint16Array(order + 1);
  for (let element = 0; element <= order; element++) {
    elementOf[polynomialOf(element)] = element;
  }
  const logs = new Uint16Array(order + 1);
  const elements = new Uint16Array(order);
  // x generates the field: its powers are all polynomials but 0.
  for (let log = 0, power = 1; log < order; log++) {
    const element = elementOf[power]!;
    elements[log] = element;
    logs[element] = log;
    power <<= 1;
    if (power > order) power ^= polynomial;
  }
  return { logs, elements };
}

function polynomialOf(element: number): number {
  let sum = 0;
  for (let bit = 0; bit < 16; bit++) {
    if ((element >> bit & 1) === 1) sum ^= cantorBasis[bit]!;
  }
  return sum;
}
