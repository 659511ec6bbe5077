import { sha256OfBytes } from "../backup/blob";
import { untilAborted } from "../keyVault/connection/waits";
import type { BlobStorageOptions } from "./blobStorage";
import { CopyDiffers, CopyError, type CopyVerb } from "./copyError";
import { type CopyFacts, type CopyStore, md5Of, type SeenCopy } from "./copyStore";
import { directoryStore } from "./directory";

/** Copies of backups outside the state, each by its URI. */
export interface Copies {
  /**
   * Writes a copy unless it is there, and reads it back.
   *
   * @returns Its MD5, base64.
   * @throws CopyError
   */
  write(uri: string, bytes: Uint8Array, facts: CopyFacts): Promise<string>;
  /**
   * Reads a copy and compares it with the hash.
   *
   * @throws CopyError
   */
  read(uri: string, sha256: string): Promise<Buffer>;
  /** Looks at a copy without reading all of it, if its place can tell. Never throws. */
  look(uri: string): Promise<SeenCopy>;
}

/** The copies that one identity reaches. The client of Azure Blob Storage is loaded when it is first used. */
export function openCopies(options: BlobStorageOptions): Copies {
  const directory = bounded(directoryStore(), options);
  let storage: CopyStore | undefined;
  const storeOf = (uri: string): CopyStore => {
    if (uri.startsWith("file:")) {
      return directory;
    }
    storage ??= (require("./blobStorage") as typeof import("./blobStorage")).blobStorage(options);
    return storage;
  };

  async function readVerified(verb: "write" | "read", uri: string, sha256: string): Promise<Buffer> {
    const bytes = await storeOf(uri).read(uri);
    const found = sha256OfBytes(bytes);
    if (found !== sha256) {
      throw new CopyError(verb, uri, new CopyDiffers(found, sha256));
    }
    return bytes;
  }

  return {
    async write(uri, bytes, facts) {
      await storeOf(uri).write(uri, bytes, facts);
      return md5Of(await readVerified("write", uri, facts.sha256));
    },
    read: (uri, sha256) => readVerified("read", uri, sha256),
    look: (uri) => storeOf(uri).look(uri),
  };
}

/** The same store, whose operations end in time: a network share that is gone answers nothing. */
function bounded(store: CopyStore, { clock, waits }: BlobStorageOptions): CopyStore {
  const within = <T>(verb: CopyVerb, uri: string, operation: Promise<T>): Promise<T> => {
    const signal = clock.timeout(verb === "look at" ? Math.min(waits.read, waits.operation) : waits.operation);
    const timeout = Object.assign(new Error(), { name: "TimeoutError" });
    return untilAborted(signal, operation, () => new CopyError(verb, uri, timeout));
  };
  return {
    write: (uri, bytes, facts) => within("write", uri, store.write(uri, bytes, facts)),
    read: (uri) => within("read", uri, store.read(uri)),
    look: (uri) =>
      within("look at", uri, store.look(uri)).catch((error: unknown) => ({ kind: "unreachable", error }) as const),
  };
}
