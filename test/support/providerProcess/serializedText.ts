import { readFileSync } from "node:fs";
import path from "node:path";

/** The provider as every state holds it: what programs make of the installed package, byte for byte. */
export const serializedText = readFileSync(path.resolve(__dirname, "../../unit/serializedProvider.golden.txt"), "utf8");
