import { randomUUID } from "node:crypto";
import fs, { lstat, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CopyError, PlaceMissing } from "./copyError";
import { type CopyStore, md5Of, type SeenCopy } from "./copyStore";

/** What writes files. Tests hand over what fails. */
type Files = Pick<typeof fs, "open" | "link">;

/** Copies in directories: what is there under a final name is whole, and its facts are in a `.json` file beside it. */
export function directoryStore(files: Files = fs): CopyStore {
  return {
    async write(uri, bytes, facts) {
      try {
        const file = fileURLToPath(uri);
        await requirePlace(file);
        // Vault, collection and object.
        for (const above of ["../..", "..", "."]) {
          await makeDirectory(path.resolve(path.dirname(file), above));
        }
        // The facts come first: a copy without them is never seen.
        await writeNew(`${file}.json`, Buffer.from(`${JSON.stringify(facts, undefined, 2)}\n`), files);
        await writeNew(file, bytes, files);
      } catch (error) {
        throw new CopyError("write", uri, error);
      }
    },

    async read(uri) {
      try {
        return await readFromPlace(fileURLToPath(uri));
      } catch (error) {
        throw new CopyError("read", uri, error);
      }
    },

    look: lookAt,
  };
}

async function lookAt(uri: string): Promise<SeenCopy> {
  try {
    const bytes = await readFromPlace(fileURLToPath(uri));
    return { kind: "found", bytes: bytes.length, contentMd5: md5Of(bytes) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? { kind: "missing" }
      : { kind: "unreachable", error: new CopyError("look at", uri, error) };
  }
}

/** @throws PlaceMissing for a file in a place that is not there: a disk that is not mounted says nothing of the copies on it. */
async function readFromPlace(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      await requirePlace(file);
    }
    throw error;
  }
}

/** The directory that the program names, above those of vault, collection and object. */
async function requirePlace(file: string): Promise<void> {
  const place = path.resolve(file, "../../../..");
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new PlaceMissing(place) : error;
  });
  if (!found.isDirectory()) {
    throw new PlaceMissing(place);
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return;
    }
    throw error;
  }
  await syncDirectory(path.dirname(directory));
}

/** Writes a file that gets its name when it is whole. A file that has the name stays as it is. */
async function writeNew(file: string, bytes: Uint8Array, files: Files): Promise<void> {
  const directory = path.dirname(file);
  const unfinished = path.join(directory, `.${randomUUID()}.tmp`);
  try {
    const handle = await files.open(unfinished, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await giveName(unfinished, file, files);
    await syncDirectory(directory);
  } finally {
    await rm(unfinished, { force: true });
  }
}

// A rename would replace a file of that name; a second link does not.
async function giveName(unfinished: string, file: string, files: Files): Promise<void> {
  try {
    await files.link(unfinished, file);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || (withoutLinks.includes(code) && (await exists(file)))) {
      return;
    }
    if (!withoutLinks.includes(code)) {
      throw error;
    }
    await rename(unfinished, file);
  }
}

// What file systems without links answer, as USB sticks and network shares may have.
const unsupported = ["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];
// On Windows, libuv says EISDIR.
const withoutLinks = [...unsupported, "EPERM", "EISDIR"];

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows opens no directories.
  if (process.platform === "win32") {
    return;
  }
  const handle = await fs.open(directory);
  try {
    await handle.sync();
  } catch (error) {
    // Network shares may flush files and no directories.
    if (!unsupported.includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw error;
    }
  } finally {
    await handle.close();
  }
}
