import * as ts from "typescript";
import { aliased, type Program } from "./program";

const printer = ts.createPrinter({ removeComments: true });
const emptyFile = ts.createSourceFile("empty.ts", "", ts.ScriptTarget.Latest);

/** The alternatives of a member's type as a reader gives or gets them: `Input<"a" | "b">` is `"a"` and `"b"`. */
export function typePartsOf(member: ts.Symbol, program: Program): string[] {
  const { checker } = program;
  const declaration = member.declarations?.[0];
  const declared = declaration && hasType(declaration) ? declaration.type : undefined;
  // A declaration has the literals in their order, but only the checker knows what a type parameter stands for.
  const node =
    declared && !hasTypeParameter(declared, checker)
      ? declared
      : nodeOf(checker.getTypeOfSymbol(member), declaration, program);
  return node ? [...new Set(partsOf(node, program, []))] : ["unknown"];
}

function partsOf(node: ts.TypeNode, program: Program, expanded: readonly ts.Symbol[]): string[] {
  const parts = (inner: ts.TypeNode) => partsOf(inner, program, expanded);
  if (ts.isParenthesizedTypeNode(node) || isReadonlyOperator(node)) {
    return parts(node.type);
  }
  if (ts.isUnionTypeNode(node)) {
    return node.types.flatMap(parts);
  }
  if (ts.isArrayTypeNode(node)) {
    return [arrayOf(parts(node.elementType))];
  }
  if (ts.isTypeLiteralNode(node)) {
    const members = node.members.map((member) =>
      ts.isPropertySignature(member) && member.type
        ? `${print(member.name)}${member.questionToken ? "?" : ""}: ${parts(member.type).join(" | ")}`
        : print(member).replace(/;$/, ""),
    );
    return [`{ ${members.join("; ")} }`];
  }
  return isNamed(node) ? namedParts(node, program, expanded) : [print(node)];
}

type Named = ts.TypeReferenceNode | ts.ImportTypeNode;

function namedParts(node: Named, program: Program, expanded: readonly ts.Symbol[]): string[] {
  const parts = (inner: ts.TypeNode) => partsOf(inner, program, expanded);
  const name = nameOf(node);
  const [argument] = node.typeArguments ?? [];
  if (argument && ["Input", "Output", "Readonly"].includes(name)) {
    return parts(argument);
  }
  if (argument && ["Array", "ReadonlyArray"].includes(name)) {
    return [arrayOf(parts(argument))];
  }
  const symbol = ts.isTypeReferenceNode(node) ? symbolOf(node, program.checker) : undefined;
  const exportedAs = [...program.exported].find(([, exported]) => exported === symbol)?.[0];
  const definition = symbol && !exportedAs && !expanded.includes(symbol) && ownDefinition(symbol);
  if (symbol && definition) {
    const written = argument ? nodeOf(program.checker.getTypeFromTypeNode(node), node, program) : definition;
    return written ? partsOf(written, program, [...expanded, symbol]) : [print(node)];
  }
  const text = exportedAs ?? (ts.isTypeReferenceNode(node) ? print(node.typeName) : name);
  const given = node.typeArguments?.map((each) => parts(each).join(" | ")) ?? [];
  return [given.length > 0 ? `${text}<${given.join(", ")}>` : text];
}

/** What an alias of our own stands for. */
function ownDefinition(symbol: ts.Symbol): ts.TypeNode | undefined {
  const alias = symbol.declarations?.find(ts.isTypeAliasDeclaration);
  return alias?.getSourceFile().fileName.includes("/node_modules/") ? undefined : alias?.type;
}

/** What the checker says of a type. An alias of our own is written out, unless a program can import it. */
function nodeOf(type: ts.Type, at: ts.Node | undefined, { checker, exported }: Program): ts.TypeNode | undefined {
  const { aliasSymbol } = type;
  const isHidden = aliasSymbol && ownDefinition(aliasSymbol) && ![...exported.values()].includes(aliasSymbol);
  const { NoTruncation, InTypeAlias, None } = ts.NodeBuilderFlags;
  return checker.typeToTypeNode(type, at, NoTruncation | (isHidden ? InTypeAlias : None));
}

function arrayOf(parts: readonly string[]): string {
  return parts.length > 1 ? `(${parts.join(" | ")})[]` : `${parts[0]}[]`;
}

function hasTypeParameter(node: ts.Node, checker: ts.TypeChecker): boolean {
  const isParameter =
    ts.isTypeReferenceNode(node) && ((symbolOf(node, checker)?.flags ?? 0) & ts.SymbolFlags.TypeParameter) !== 0;
  return isParameter || ts.forEachChild(node, (child) => hasTypeParameter(child, checker) || undefined) === true;
}

function symbolOf(node: ts.TypeReferenceNode, checker: ts.TypeChecker): ts.Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(node.typeName);
  return symbol && aliased(symbol, checker);
}

function nameOf(node: Named): string {
  const name = ts.isTypeReferenceNode(node) ? node.typeName : node.qualifier;
  return name === undefined ? print(node) : ts.isQualifiedName(name) ? name.right.text : name.text;
}

function isNamed(node: ts.TypeNode): node is Named {
  return ts.isTypeReferenceNode(node) || ts.isImportTypeNode(node);
}

function isReadonlyOperator(node: ts.TypeNode): node is ts.TypeOperatorNode {
  return ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword;
}

function hasType(node: ts.Declaration): node is ts.PropertySignature | ts.PropertyDeclaration {
  return ts.isPropertySignature(node) || ts.isPropertyDeclaration(node);
}

function print(node: ts.Node): string {
  // A node that the checker made has no file, although its type says so: its text is in the node itself.
  const file = node.getSourceFile() ?? emptyFile;
  return printer.printNode(ts.EmitHint.Unspecified, node, file).replace(/\s+/g, " ");
}
