import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs, { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { CopyError } from "../../../src/copies/copyError";
import type { CopyFacts } from "../../../src/copies/copyStore";
import { directoryStore } from "../../../src/copies/directory";

const bytes = Buffer.from("the blob of a backup");
const facts: CopyFacts = {
  sourceUri: "https://kv.vault.azure.net/keys/orders",
  backedUpAt: "2026-03-07T00:00:00.000Z",
  sha256: createHash("sha256").update(bytes).digest("hex"),
  versions: [],
};

let place: string;
let file: string;
let uri: string;

beforeEach(async () => {
  place = await mkdtemp(path.join(tmpdir(), "place-"));
  file = path.join(place, "kv.vault.azure.net", "keys", "orders", "a.keybackup");
  uri = pathToFileURL(file).href;
});
afterEach(() => rm(place, { recursive: true, force: true }));

async function failureOf(act: Promise<unknown>): Promise<CopyError> {
  const error = await act.then(
    () => new Error("It succeeded."),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CopyError);
  return error as CopyError;
}

async function files(): Promise<string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const errno = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });

describe("a copy in a directory", () => {
  it("gets its name when it is whole, with its facts beside it", async () => {
    await directoryStore().write(uri, bytes, facts);
    expect(await readFile(file)).toEqual(bytes);
    expect(JSON.parse(await readFile(`${file}.json`, "utf8"))).toEqual(facts);
    expect((await files()).sort()).toEqual(["a.keybackup", "a.keybackup.json"]);
  });

  it("replaces no file, no link and no directory that has its name", async () => {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, "the user's");
    await directoryStore().write(uri, bytes, facts);
    expect(await readFile(file, "utf8")).toBe("the user's");
    await rm(file);
    await symlink(path.join(place, "nowhere"), file);
    await directoryStore().write(uri, bytes, facts);
    expect(await readdir(place)).toEqual(["kv.vault.azure.net"]);
    await rm(file);
    await mkdir(file);
    await directoryStore().write(uri, bytes, facts);
    expect((await stat(file)).isDirectory()).toBe(true);
  });

  it("is written, and replaces nothing, on a file system without links", async () => {
    const link = () => Promise.reject(errno("EPERM"));
    const store = directoryStore({ open: fs.open, link });
    await store.write(uri, bytes, facts);
    expect(await readFile(file)).toEqual(bytes);
    await store.write(uri, Buffer.from("another"), facts);
    expect(await readFile(file)).toEqual(bytes);
    expect((await files()).sort()).toEqual(["a.keybackup", "a.keybackup.json"]);
  });

  it("is in a place with a space and other characters", async () => {
    const odd = path.join(place, "backups of ä#1 100%");
    await mkdir(odd);
    const there = pathToFileURL(path.join(odd, "kv", "keys", "orders", "a.keybackup")).href;
    await directoryStore().write(there, bytes, facts);
    expect(await directoryStore().read(there)).toEqual(bytes);
  });

  it.each(["ENOSPC", "EDQUOT", "EIO"])("leaves nothing behind if a write ends with %s in its middle", async (code) => {
    const open: typeof fs.open = async (...args) => {
      const handle = await fs.open(...args);
      const writeFile = async (content: Buffer) => {
        await handle.write(content.subarray(0, 3));
        throw errno(code);
      };
      return Object.assign(handle, { writeFile });
    };
    const error = await failureOf(directoryStore({ open, link: fs.link }).write(uri, bytes, facts));
    expect(error.message).toContain(`Could not write the copy ${uri}: `);
    expect(error.message).toContain(code);
    expect(await files()).toEqual([]);
  });
});

describe("a failure says what to do", () => {
  it.each([
    ["ENOSPC", "copy-disk-full", "the disk is full (ENOSPC). Free space in the directory, and run again."],
    ["EDQUOT", "copy-disk-full", "the disk is full (EDQUOT)."],
    ["EROFS", "copy-read-only", "the file system is read-only (EROFS). Mount the directory writable"],
    [
      "EACCES",
      "copy-no-access",
      "permission denied (EACCES). Let the user who runs Pulumi read and write the directory.",
    ],
    ["EIO", "copy-failed", "EIO. Check the place that the URI names."],
  ])("%s", async (reason, code, text) => {
    const open = () => Promise.reject(errno(reason));
    const error = await failureOf(directoryStore({ open, link: fs.link }).write(uri, bytes, facts));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it("a directory that is not there is not created, as a disk may not be mounted", async () => {
    await rm(place, { recursive: true });
    const error = await failureOf(directoryStore().write(uri, bytes, facts));
    expect(error.code).toBe("copy-place-missing");
    expect(error.message).toContain(`there is no directory ${place}. Create the container or the directory`);
    expect(await directoryStore().look(uri)).toMatchObject({
      kind: "unreachable",
      error: { code: "copy-place-missing" },
    });
  });

  it("a file in the place of the directory", async () => {
    await rm(place, { recursive: true });
    await writeFile(place, "");
    expect((await failureOf(directoryStore().write(uri, bytes, facts))).code).toBe("copy-place-missing");
    expect(await directoryStore().look(uri)).toMatchObject({ kind: "unreachable" });
  });

  it("a copy that is not there", async () => {
    const error = await failureOf(directoryStore().read(uri));
    expect(error.code).toBe("copy-missing");
    expect(error.message).toContain("it is not there (ENOENT). Check the URI.");
    expect(await directoryStore().look(uri)).toEqual({ kind: "missing" });
  });
});

it("A writer that is killed at any moment leaves no half-written file under a final name", async () => {
  const program = `
    const { directoryStore } = require(${JSON.stringify(path.resolve("src/copies/directory"))});
    const { createHash } = require("node:crypto");
    const store = directoryStore();
    (async () => {
      process.send("started");
      for (let index = 0; index < 2000; index += 1) {
        const bytes = Buffer.alloc(200_000, index);
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        await store.write(${JSON.stringify(pathToFileURL(path.dirname(file)).href)} + "/" + sha256 + ".keybackup", bytes, { sha256 });
      }
    })();`;
  let whole = 0;
  for (const delay of [3, 10, 30, 80, 150]) {
    const child: ChildProcess = spawn(process.execPath, ["--require", require.resolve("tsx/cjs"), "--eval", program], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const ended = once(child, "exit");
    await once(child, "message");
    await setTimeout(delay);
    child.kill("SIGKILL");
    await ended;
  }
  for (const name of await files()) {
    if (name.endsWith(".keybackup")) {
      const content = await readFile(path.join(path.dirname(file), name));
      expect(createHash("sha256").update(content).digest("hex")).toBe(name.replace(".keybackup", ""));
      JSON.parse(await readFile(path.join(path.dirname(file), `${name}.json`), "utf8"));
      whole += 1;
    }
  }
  expect(whole).toBeGreaterThan(0);
});
