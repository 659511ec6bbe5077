import * as ts from "typescript";
import type { Program } from "./program";
import { typePartsOf } from "./typeParts";

/** An input or an output, as a row of a table tells it. */
export interface Member {
  readonly name: string;
  readonly typeParts: readonly string[];
  /** For instance `required`, or `required without` and the inputs that may be given instead. */
  readonly presence?: string;
  readonly defaultText: string;
  readonly description: string;
  readonly isSecret: boolean;
}

type Branch = ReadonlyMap<string, ts.Symbol>;

/**
 * The members of an exported type or interface, each once, whatever branch of a union has it.
 *
 * @param except - A type whose declarations are left out, because another table shows them.
 */
export function inputsOf(name: string, program: Program, except?: string): Member[] {
  const symbol = exported(name, program);
  if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) || symbol.flags & ts.SymbolFlags.Class) {
    throw new Error(`${name} is neither a type nor an interface, so it has no inputs.`);
  }
  const { checker } = program;
  const all = branchesOf(symbol, checker);
  const shownElsewhere = declarationsIn(except, program);
  const names = new Set(inSourceOrder(all.flat()).map((member) => member.name));
  const branches = all.map(
    (members) => new Map(members.filter((member) => hasValue(member, checker)).map((member) => [member.name, member])),
  );
  const members = [...names].flatMap((each) => {
    const variants = branches.flatMap((branch) => branch.get(each) ?? []);
    const [first] = [...variants.filter((variant) => descriptionOf(variant, checker) !== ""), ...variants];
    return first && !variants.every((variant) => isDeclaredIn(shownElsewhere, variant))
      ? [{ ...inputFrom(first, variants, program), presence: presenceOf(each, branches) }]
      : [];
  });
  return documented(name, members);
}

function inputFrom(first: ts.Symbol, variants: readonly ts.Symbol[], program: Program): Member {
  const typeParts = variants.flatMap((variant) => typePartsOf(variant, program));
  const member = memberFrom(first, program);
  return { ...member, typeParts: [...new Set(typeParts)].filter((part) => part !== "undefined") };
}

/**
 * The members of an exported class that are declared as `declare readonly …: Output<…>`, or all of an exported interface.
 *
 * @param except - A class or interface whose declarations are left out, because another table shows them.
 */
export function outputsOf(name: string, program: Program, except?: string): Member[] {
  const symbol = exported(name, program);
  const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0;
  if (!isClass && !(symbol.flags & ts.SymbolFlags.Interface)) {
    throw new Error(`${name} is neither a class nor an interface, so it has no outputs.`);
  }
  const shownElsewhere = declarationsIn(except, program);
  const members = branchesOf(symbol, program.checker).flat();
  const outputs = members.filter((member) => (!isClass || isOutput(member)) && !isDeclaredIn(shownElsewhere, member));
  return documented(
    name,
    outputs.map((member) => memberFrom(member, program)),
  );
}

/** The properties of each branch of a type. */
function branchesOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol[][] {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return (type.isUnion() ? type.types : [type]).map((branch) => checker.getPropertiesOfType(branch));
}

/** The checker keeps no order of a union's branches. */
function inSourceOrder(members: readonly ts.Symbol[]): ts.Symbol[] {
  const placed = members.map((member) => ({ member, at: member.declarations?.[0] }));
  const files = [...new Set(placed.map(({ at }) => at?.getSourceFile()))];
  return placed
    .sort(
      (one, other) =>
        files.indexOf(one.at?.getSourceFile()) - files.indexOf(other.at?.getSourceFile()) ||
        (one.at?.pos ?? 0) - (other.at?.pos ?? 0),
    )
    .map(({ member }) => member);
}

type Declarations = ReadonlySet<ts.Declaration>;

function declarationsIn(name: string | undefined, program: Program): Declarations {
  const members = name === undefined ? [] : branchesOf(exported(name, program), program.checker).flat();
  return new Set(members.flatMap(({ declarations = [] }) => declarations));
}

function isDeclaredIn(all: Declarations, { declarations = [] }: ts.Symbol): boolean {
  return declarations.length > 0 && declarations.every((declaration) => all.has(declaration));
}

function memberFrom(symbol: ts.Symbol, program: Program): Member {
  const tags = symbol.getJsDocTags(program.checker);
  const isOptional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
  const defaultTag = tags.find((tag) => tag.name === "default");
  return {
    name: symbol.name,
    typeParts: [...new Set([...typePartsOf(symbol, program), ...(isOptional ? ["undefined"] : [])])],
    defaultText: isOptional ? ts.displayPartsToString(defaultTag?.text) : "",
    description: descriptionOf(symbol, program.checker),
    isSecret: tags.some((tag) => tag.name === "secret"),
  };
}

function exported(name: string, { exported }: Program): ts.Symbol {
  const symbol = exported.get(name);
  if (symbol === undefined) {
    throw new Error(`${name} is not an export of src/index.ts.`);
  }
  return symbol;
}

function documented(owner: string, members: readonly Member[]): Member[] {
  if (members.length === 0) {
    throw new Error(`${owner} has no members to show.`);
  }
  const missing = members.filter(({ description }) => description === "").map(({ name }) => `${owner}.${name}`);
  if (missing.length > 0) {
    throw new Error(`No doc comment describes ${missing.join(", ")}.`);
  }
  return [...members];
}

function descriptionOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
}

function hasValue(member: ts.Symbol, checker: ts.TypeChecker): boolean {
  return !(checker.getTypeOfSymbol(member).flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never));
}

function presenceOf(name: string, branches: readonly Branch[]): string {
  const having = branches.filter((branch) => branch.has(name));
  if (having.some((branch) => !requiredIn(branch).includes(name))) {
    return "optional";
  }
  const companions = having.flatMap(requiredIn);
  const substitutes = branches
    .filter((branch) => !branch.has(name))
    .map((branch) => requiredIn(branch).filter((other) => !companions.includes(other)))
    .map((others) => others.map((other) => `\`${other}\``).join(" and "));
  if (substitutes.includes("")) {
    return "optional";
  }
  return substitutes.length > 0 ? `required without ${[...new Set(substitutes)].join(" or ")}` : "required";
}

function requiredIn(branch: Branch): string[] {
  return [...branch].filter(([, member]) => !(member.flags & ts.SymbolFlags.Optional)).map(([name]) => name);
}

function isOutput({ valueDeclaration }: ts.Symbol): boolean {
  if (!valueDeclaration || !ts.isPropertyDeclaration(valueDeclaration)) {
    return false;
  }
  const modifiers = ts.getCombinedModifierFlags(valueDeclaration);
  const isDeclared = (modifiers & ts.ModifierFlags.Ambient) !== 0 && (modifiers & ts.ModifierFlags.Readonly) !== 0;
  const isHidden = (modifiers & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
  return isDeclared && !isHidden && /^(\w+\.)?Output</.test(valueDeclaration.type?.getText() ?? "");
}
