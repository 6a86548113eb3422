import { deepStrictEqual as assertEquals, rejects } from "node:assert/strict";
import { type Printer, runInLanes } from "../../tools/lanes.ts";

/** Lets everything go on that can. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Items end when they are told to; what is printed and begun is kept. */
function makeYard(wide: readonly string[] = []) {
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const printers = new Map<string, Printer>();
  let printed = "";
  const options = {
    laneCount: 2,
    isWide: (name: string) => wide.includes(name),
    sink: (bytes: Uint8Array) => {
      printed += new TextDecoder().decode(bytes);
    },
  };
  const run = (name: string, printer: Printer) => {
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    printers.set(name, printer);
    return end.promise;
  };
  return {
    run: (...names: string[]) => runInLanes(names, options, run),
    print: (name: string) => printers.get(name)!.line(name),
    end: async (name: string) => {
      ends.get(name)!.resolve(name);
      await turn();
    },
    fail: async (name: string) => {
      ends.get(name)!.reject(new Error(name));
      await turn();
    },
    begun: () => [...ends.keys()].join(""),
    printed: () => printed.replaceAll("\n", ""),
  };
}

Deno.test("runInLanes() runs two at once, in order, and prints one after the other", async () => {
  const yard = makeYard();
  const all = yard.run("a", "b", "c");
  await turn();
  assertEquals(yard.begun(), "ab");
  yard.print("b");
  yard.print("a");
  yard.print("b");
  assertEquals(yard.printed(), "a");
  await yard.end("b");
  assertEquals(yard.begun(), "abc");
  yard.print("c");
  yard.print("a");
  assertEquals(yard.printed(), "aa");
  await yard.end("a");
  assertEquals(yard.printed(), "aabbc");
  yard.print("c");
  assertEquals(yard.printed(), "aabbcc");
  await yard.end("c");
  assertEquals(await all, ["a", "b", "c"]);
});

Deno.test("runInLanes() runs what is wide alone", async () => {
  const yard = makeYard(["W"]);
  const all = yard.run("a", "W", "b");
  await turn();
  assertEquals(yard.begun(), "a");
  await yard.end("a");
  assertEquals(yard.begun(), "aW");
  await yard.end("W");
  assertEquals(yard.begun(), "aWb");
  await yard.end("b");
  assertEquals(await all, ["a", "W", "b"]);
});

Deno.test("runInLanes() fails with what failed, when the others are over", async () => {
  const yard = makeYard();
  const all = yard.run("a", "b");
  let over = false;
  all.catch(() => over = true);
  await turn();
  await yard.fail("a");
  assertEquals(over, false);
  await yard.end("b");
  await rejects(all, /a/);
});
