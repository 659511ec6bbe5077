import path from "node:path";
import * as ts from "typescript";

/** What a TypeScript entry exports, by name, with the checker that knows its types. */
export interface Program {
  readonly checker: ts.TypeChecker;
  readonly exported: ReadonlyMap<string, ts.Symbol>;
}

/** Reads an entry and all that it imports, with the options of the nearest `tsconfig.json`. */
export function readProgram(entry: string): Program {
  const program = ts.createProgram([entry], optionsFor(path.dirname(entry)));
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) {
    throw new Error(`${entry} is not a module that can be read.`);
  }
  const exports = checker.getExportsOfModule(module).map((symbol) => [symbol.name, aliased(symbol, checker)] as const);
  return { checker, exported: new Map(exports) };
}

/** The declared symbol behind an import or a re-export. */
export function aliased(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function optionsFor(folder: string): ts.CompilerOptions {
  const file = ts.findConfigFile(folder, ts.sys.fileExists);
  if (file === undefined) {
    return { strict: true };
  }
  const { config } = ts.readConfigFile(file, ts.sys.readFile);
  return ts.convertCompilerOptionsFromJson(config?.compilerOptions, path.dirname(file)).options;
}
