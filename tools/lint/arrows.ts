// Arrows: the rules about who imports whom. Every way to name another module counts: import,
// export from, import(), a type import, and `new URL("./x.ts", import.meta.url)`, by which workers
// are started.

import { planArrow } from "../layers.ts";
import { placeOf, targetOf } from "./place.ts";

/** Imports point down only, as the table in tools/layers.ts has it. */
export const layerOrder: Deno.lint.Rule = {
  create(context) {
    const source = placeOf(context.filename);
    function report(node: Deno.lint.Node, specifier: unknown): void {
      if (typeof specifier !== "string") return;
      const fault = planArrow(source, targetOf(source, specifier));
      if (fault !== undefined) context.report({ node, message: fault });
    }
    return {
      ImportDeclaration: (node) => report(node, node.source.value),
      ExportAllDeclaration: (node) => report(node, node.source.value),
      ExportNamedDeclaration: (node) => report(node, node.source?.value),
      ImportExpression: (node) => report(node, literalOf(node.source)),
      TSImportType: (node) => report(node, literalOf(node.argument)),
      'NewExpression[callee.name="URL"][arguments.length=2]': (
        node: Deno.lint.NewExpression,
      ) => report(node, moduleOf(node.arguments[0])),
    };
  },
};

/** What the program loads before it knows its command loads no `node:` module (20 ms and more each). */
export const noNodeAtStart: Deno.lint.Rule = {
  create(context) {
    const place = placeOf(context.filename);
    if (place !== "main.ts" && !place.startsWith("src/cli/")) return {};
    return {
      ImportDeclaration(node) {
        if (node.importKind === "type") return;
        if (!node.source.value.startsWith("node:")) return;
        context.report({
          node,
          message:
            `"${node.source.value}" delays every start; use Deno.*, or await import("${node.source.value}") in the command that needs it`,
        });
      },
    };
  },
};

function literalOf(node: Deno.lint.Node): unknown {
  if (node.type === "TSLiteralType") return literalOf(node.literal);
  return node.type === "Literal" ? node.value : undefined;
}

/** The first argument of `new URL` where it names a module; a URL of anything else is no import. */
function moduleOf(node: Deno.lint.Node | undefined): unknown {
  const value = node === undefined ? undefined : literalOf(node);
  return typeof value === "string" && /^\.{1,2}\/.*\.(ts|js|wasm)$/.test(value)
    ? value
    : undefined;
}
