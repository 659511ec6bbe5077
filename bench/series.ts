import { readFileSync } from "node:fs";
import path from "node:path";

/** The programs to compare. Each declares one resource for each key. */
export const allSeries = [
  {
    name: "keyBackup",
    title: "KeyBackup",
    plural: "KeyBackups",
    description: "KeyBackup, blob in the state",
    program: program("key-backup"),
  },
  {
    name: "keyBackupToFile",
    title: "KeyBackup to file",
    plural: "KeyBackups to file",
    description: "KeyBackup, blob in a directory",
    program: program("key-backup-to-file"),
  },
  { name: "noop", title: "no-op", description: "no-op, no blob", program: program("noop") },
  {
    name: "noopWithBlob",
    title: "no-op + blob",
    description: "no-op, blob in the state",
    program: program("noop-with-blob"),
  },
] as const;

export type Series = (typeof allSeries)[number];
export type BySeries<T> = Readonly<Record<Series["name"], T>>;

/** The series whose resources back keys up. */
export const backupSeries = [allSeries[0], allSeries[1]] as const;

export type BackupSeries = (typeof backupSeries)[number];
export type ByBackup<T> = Readonly<Record<BackupSeries["name"], T>>;

export function bySeries<T>(value: (name: Series["name"]) => T): BySeries<T> {
  return byName(allSeries, value);
}

export function byBackup<T>(value: (name: BackupSeries["name"]) => T): ByBackup<T> {
  return byName(backupSeries, value);
}

function byName<Name extends string, T>(
  series: readonly { readonly name: Name }[],
  value: (name: Name) => T,
): Readonly<Record<Name, T>> {
  return Object.fromEntries(series.map(({ name }) => [name, value(name)])) as Record<Name, T>;
}

function program(folder: string): string {
  return readFileSync(path.join(__dirname, "programs", folder, "index.js"), "utf8");
}
