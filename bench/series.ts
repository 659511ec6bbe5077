import { readFileSync } from "node:fs";
import path from "node:path";

/** What is measured: one program each, all declaring as many resources of as many keys. */
export const allSeries = [
  { name: "keyBackup", title: "KeyBackup", program: program("key-backup") },
  { name: "noop", title: "no-op", program: program("noop") },
  { name: "noopWithBlob", title: "no-op + blob", program: program("noop-with-blob") },
] as const;

export type Series = (typeof allSeries)[number];

function program(folder: string): string {
  return readFileSync(path.join(__dirname, "programs", folder, "index.js"), "utf8");
}
