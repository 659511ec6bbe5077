import { readFileSync } from "node:fs";
import path from "node:path";

function golden(file: string): string {
  return readFileSync(path.resolve(__dirname, "../../unit/resources", file), "utf8");
}

/** The provider of each resource as every state holds it: what programs make of the installed package, byte for byte. */
export const serializedTexts = {
  keyBackup: golden("serializedProvider.KeyBackup.txt"),
  keyRestore: golden("serializedProvider.KeyRestore.txt"),
  restoreDrill: golden("serializedProvider.RestoreDrill.txt"),
} as const;
