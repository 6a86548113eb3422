// Lengths: a file has at most 600 lines, a function at most 70. Functions that were longer before
// the rule are in long_functions.json with their length: they may shrink, never grow, and leave the
// list once they fit (tests/house sees to it). Nothing new enters it.

import longFunctions from "./long_functions.json" with { type: "json" };
import { placeOf } from "./place.ts";

/** Lines of a file, at most. */
export const fileLinesMax = 600;

/** Lines of a function, at most. */
export const functionLinesMax = 70;

const allowed: Readonly<Record<string, number>> = longFunctions;

/** A file is a noun; past this length it is two. */
export const fileLength: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        const lineCount = countLines(context.sourceCode.text.trimEnd());
        if (lineCount <= fileLinesMax) return;
        context.report({
          node,
          message:
            `${lineCount} lines, at most ${fileLinesMax}; move a noun of its own into a file of its own`,
        });
      },
    };
  },
};

/** A function fits a screen. */
export const functionLength: Deno.lint.Rule = {
  create(context) {
    return {
      "FunctionDeclaration, FunctionExpression, ArrowFunctionExpression"(
        node: FunctionNode,
      ) {
        const lineCount = countLines(
          context.sourceCode.text.slice(...node.range),
        );
        const name = `${placeOf(context.filename)}#${nameOf(node)}`;
        const linesMax = allowed[name] ?? functionLinesMax;
        if (lineCount <= linesMax) return;
        context.report({
          node,
          message:
            `${name} has ${lineCount} lines, at most ${linesMax}; branch here and move each branch into a function`,
        });
      },
    };
  },
};

type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

function countLines(text: string): number {
  return text.split("\n").length;
}

/** The name that the function is declared, assigned or defined by; "anonymous" where there is none. */
function nameOf(node: FunctionNode): string {
  if (node.type !== "ArrowFunctionExpression" && node.id) return node.id.name;
  const parent = node.parent as Deno.lint.Node;
  switch (parent.type) {
    case "VariableDeclarator":
      return identifierOf(parent.id);
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return identifierOf(parent.key);
    default:
      return "anonymous";
  }
}

function identifierOf(node: Deno.lint.Node): string {
  return node.type === "Identifier" || node.type === "PrivateIdentifier"
    ? node.name
    : "anonymous";
}
