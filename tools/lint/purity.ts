// Purity: the rules about what a folder may not touch: the clock, chance, the terminal, the memory
// of the codec, native code. Each message names what to use instead.

import { isProgram, placeOf } from "./place.ts";

type Visitor = Deno.lint.LintVisitor;

/** src/format/ decides and does nothing: no runtime, no waiting, no time, no chance. */
export const pureFormat: Deno.lint.Rule = rule(
  (place) => place.startsWith("src/format/"),
  (report) => ({
    "FunctionDeclaration[async=true], FunctionExpression[async=true], ArrowFunctionExpression[async=true]":
      (node: Deno.lint.Node) =>
        report(node, "src/format is synchronous; return a plan as data"),
    AwaitExpression: (node) =>
      report(node, "src/format is synchronous; return a plan as data"),
    Identifier(node) {
      if (isProperty(node)) return;
      const instead = impure.get(node.name);
      if (instead === undefined) return;
      report(node, `No ${node.name} in src/format; ${instead}`);
    },
    ...members({
      "Math.random": "No chance in src/format; take the number as a parameter",
    }, report),
  }),
);

const impure = new Map([
  ["Deno", "return a plan, and let src/archive carry it out"],
  ["Date", "take the time, or its text, as a parameter"],
  ["performance", "take the time as a parameter"],
  ["crypto", "take the bytes as a parameter"],
  ["setTimeout", "return a plan, and let src/archive wait"],
  ["fetch", "return a plan, and let src/archive carry it out"],
]);

/** Only frontends print: below them, things are returned or told as events. */
export const noConsoleBelowCli: Deno.lint.Rule = rule(
  (place) => isProgram(place) && !place.startsWith("src/cli/"),
  (report) => ({
    'MemberExpression[object.name="console"]': (node: Deno.lint.Node) =>
      report(
        node,
        "Only src/cli prints; return the fact, or tell it as an event",
      ),
  }),
);

/** The clock and chance come in as parameters, so that tests repeat exactly. */
export const clockPort: Deno.lint.Rule = rule(
  (place) => isProgram(place) && place !== "src/base/ports.ts",
  (report) => ({
    ...members({
      "Date.now": `${takeClock} and call clock.nowMs()`,
      "performance.now": `${takeClock} and call clock.monotonicMs()`,
      "Math.random": `${takeChance}, or a Prng where it must repeat`,
      "crypto.getRandomValues": `${takeChance} and call chance.fill()`,
      "crypto.randomUUID": `${takeChance} and make the id from its bytes`,
    }, report),
    'NewExpression[callee.name="Date"][arguments.length=0], CallExpression[callee.name="Date"]':
      (node: Deno.lint.Node) =>
        report(node, `${takeClock} and call new Date(clock.nowMs())`),
  }),
);

const takeClock = "Take a Clock (src/base/ports.ts)";
const takeChance = "Take a Chance (src/base/ports.ts)";

/** Views of WASM memory die silently when it grows, so one file makes them all. */
export const memoryBuffer: Deno.lint.Rule = rule(
  (place) => isProgram(place) && place !== "src/codec/arena.ts",
  (report) => ({
    'MemberExpression[property.name="buffer"]'(
      node: Deno.lint.MemberExpression,
    ) {
      if (!/memory$/i.test(lastName(node.object))) return;
      report(
        node,
        "Only src/codec/arena.ts touches memory.buffer; lease from the arena and ask it for the view",
      );
    },
  }),
);

/** Native code is named in one folder. */
export const noDlopenOutsideFfi: Deno.lint.Rule = rule(
  (place) => isProgram(place) && !place.startsWith("ffi/"),
  (report) =>
    members({
      "Deno.dlopen":
        "Only ffi/ opens libraries; put the symbol table there and import it",
    }, report),
);

/** A rule for the files that `applies` names, with a short way to report. */
function rule(
  applies: (place: string) => boolean,
  visitor: (
    report: (node: Deno.lint.Node, message: string) => void,
  ) => Visitor,
): Deno.lint.Rule {
  return {
    create(context) {
      if (!applies(placeOf(context.filename))) return {};
      return visitor((node, message) => context.report({ node, message }));
    },
  };
}

/** A visitor for members of globals: `"Date.now"` to the message. */
function members(
  messages: Record<string, string>,
  report: (node: Deno.lint.Node, message: string) => void,
): Visitor {
  const visitor: Visitor = {};
  for (const [name, message] of Object.entries(messages)) {
    const [object, property] = name.split(".");
    visitor[
      `MemberExpression[object.name="${object}"][property.name="${property}"]`
    ] = (node: Deno.lint.Node) => report(node, message);
  }
  return visitor;
}

/** Whether the identifier only names a member or a key, and so no global. */
function isProperty(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as Deno.lint.Node | undefined;
  if (parent?.type === "MemberExpression") return parent.object !== node;
  return parent?.type === "Property" && parent.key === node;
}

/** `memory` of `memory`, `exports.memory` and `this.#memory`. */
function lastName(node: Deno.lint.Node): string {
  if (node.type === "MemberExpression") return lastName(node.property);
  return node.type === "Identifier" || node.type === "PrivateIdentifier"
    ? node.name
    : "";
}
