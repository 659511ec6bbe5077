import { createHash } from "node:crypto";

/** What is written beside a copy, for people who have nothing but the copy. */
export interface CopyFacts {
  readonly sourceUri: string;
  /** RFC 3339. */
  readonly backedUpAt: string;
  readonly sha256: string;
  /** Newest first; empty if unknown. */
  readonly versions: readonly string[];
}

/** A copy as it was found, or why it was not. */
export type SeenCopy =
  | { readonly kind: "found"; readonly bytes: number; readonly contentMd5: string | undefined }
  | { readonly kind: "missing" }
  | { readonly kind: "unreachable"; readonly error: unknown };

/** A place outside the state that holds copies. Nothing in it is ever overwritten or deleted. */
export interface CopyStore {
  /**
   * Writes a new object under its final name only when all of it is there, with the facts beside it. An object that has the name
   * already is left alone.
   *
   * @throws CopyError
   */
  write(uri: string, bytes: Uint8Array, facts: CopyFacts): Promise<void>;
  /** @throws CopyError */
  read(uri: string): Promise<Buffer>;
  /** Never throws. */
  look(uri: string): Promise<SeenCopy>;
}

export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}
