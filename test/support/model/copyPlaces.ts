import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const names = ["first", "second"] as const;

// Directories in memory, if the machine has any: a flush of a real disk takes milliseconds.
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Two directories for copies. Without its place, a copy cannot be reached. */
export class CopyPlaces {
  readonly #folder = mkdtempSync(path.join(parent, "copies-"));

  constructor() {
    for (const name of names) {
      mkdirSync(path.join(this.#folder, name));
    }
  }

  get uris(): readonly [string, string] {
    const [first, second] = names.map((name) => pathToFileURL(path.join(this.#folder, name)).href);
    return [first ?? "", second ?? ""];
  }

  /** Moves a place away, or back. */
  setReachable(index: number, isReachable: boolean): void {
    const place = path.join(this.#folder, names[index % 2] ?? "");
    const [from, to] = isReachable ? [`${place}-away`, place] : [place, `${place}-away`];
    if (existsSync(from)) {
      renameSync(from, to);
    }
  }

  /** What is in each file, by its URI, also in a place that cannot be reached. */
  files(): ReadonlyMap<string, Buffer> {
    const entries = readdirSync(this.#folder, { recursive: true, withFileTypes: true });
    return new Map(
      entries
        .filter((entry) => entry.isFile())
        .map((entry) => {
          const file = path.join(entry.parentPath, entry.name);
          return [pathToFileURL(file.replace("-away", "")).href, readFileSync(file)];
        }),
    );
  }

  remove(uri: string): void {
    rmSync(fileURLToPath(uri), { force: true });
  }

  change(uri: string): void {
    if (existsSync(fileURLToPath(uri))) {
      writeFileSync(fileURLToPath(uri), "something else");
    }
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
