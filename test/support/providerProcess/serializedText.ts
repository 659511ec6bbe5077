import { readFileSync } from "node:fs";
import path from "node:path";

const ofKeyBackup = readFileSync(path.resolve(__dirname, "../../unit/resources/serializedProvider.txt"), "utf8");

/** The texts differ in the name alone. */
function textOf(resource: string): string {
  return ofKeyBackup.replace('resource: "keyBackup"', `resource: "${resource}"`);
}

/** The provider of each resource as every state holds it: what programs make of the installed package, byte for byte. */
export const serializedTexts = {
  keyBackup: ofKeyBackup,
  secretBackup: textOf("secretBackup"),
  certificateBackup: textOf("certificateBackup"),
  keyRestore: textOf("keyRestore"),
  secretRestore: textOf("secretRestore"),
  certificateRestore: textOf("certificateRestore"),
  restoreDrill: textOf("restoreDrill"),
} as const;
