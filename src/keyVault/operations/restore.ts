import type { ObjectKind, ObjectVersion } from "../../objects/objectKind";
import type { Requests, VaultConnection } from "../connection/vaultConnection";
import { NameNotFree } from "../failures/keyVaultError";
import { isNotFound, Refusal } from "../failures/refusal";
import { listVersions } from "./lookUp";

export type Restoration =
  | {
      readonly kind: "restored";
      readonly name: string;
      readonly newest: string;
      /** Newest first; undefined if they cannot be listed. */
      readonly versions: readonly ObjectVersion[] | undefined;
    }
  /** An object in use, or a soft-deleted one, has the name. Nothing was changed by this answer. */
  | {
      readonly kind: "nameTaken";
      readonly name: string;
      readonly occupant: ObjectKind;
      /** Whether the occupant belongs to a certificate. */
      readonly isManaged: boolean;
      readonly isSoftDeleted: boolean;
      /** Whether this very call may have restored it, because an earlier attempt got no answer. */
      readonly mayBeDone: boolean;
    };

/**
 * Restores an object with all its versions under its own name, which the blob decides. While an object of that name is being
 * deleted, or was purged a moment ago, the name is waited for.
 *
 * @param expectedName - The name of the object in the blob, if it is known.
 * @throws KeyVaultError
 */
export function restore(
  connection: VaultConnection,
  kind: ObjectKind,
  blob: string,
  expectedName: string | undefined,
): Promise<Restoration> {
  return connection.carryOut({ name: "restore", kind, objectName: expectedName }, async (requests) => {
    try {
      const { name, version } = await requests.client.restore(Buffer.from(blob, "base64url"), requests.signal);
      return { kind: "restored", name, newest: version, versions: await restoredVersions(requests, name, version) };
    } catch (error) {
      if (error instanceof Refusal && error.isConflict && !error.isInTransition) {
        return classifyConflict(kind, error, expectedName, requests);
      }
      throw error;
    }
  });
}

// The object is restored: a failed listing must not make it look as if it were not.
async function restoredVersions(
  requests: Requests,
  name: string,
  newest: string,
): Promise<readonly ObjectVersion[] | undefined> {
  try {
    return await listVersions(requests, name, newest);
  } catch {
    return undefined;
  }
}

async function classifyConflict(
  kind: ObjectKind,
  conflict: Refusal,
  expectedName: string | undefined,
  requests: Requests,
): Promise<Restoration> {
  const kinds = [kind, ...kind.sharesNamesWith];
  const name = nameIn(conflict, kinds) ?? expectedName;
  if (name === undefined) {
    throw conflict;
  }
  const taken = { kind: "nameTaken", name, mayBeDone: requests.mayBeDone() } as const;
  const hidden: ObjectKind[] = [];
  for (const occupant of kinds) {
    const { signal } = requests;
    const found = await findOccupant({ client: requests.clientOf(occupant), signal }, name);
    if (found === "mayNotLook") {
      hidden.push(occupant);
    } else if (found !== undefined) {
      // A key or secret that a certificate manages is the sign of that certificate.
      const isSign = found.isManaged && occupant !== kind;
      return { ...taken, ...found, occupant: isSign ? kind : occupant };
    }
  }
  const told = hidden.find(({ noun }) => new RegExp(`^${noun} `, "i").test(conflict.explanation));
  if (conflict.isSoftDeleted && told !== undefined) {
    return { ...taken, occupant: told, isSoftDeleted: true, isManaged: false };
  }
  if (hidden.includes(kind)) {
    throw conflict;
  }
  // For a while after a purge, the name has no object and is not free.
  throw new NameNotFree(hidden.length === 0 ? undefined : conflict);
}

/** The name that the service says is taken: in the URI of the object, or at the beginning of its sentence. */
function nameIn({ explanation }: Refusal, kinds: readonly ObjectKind[]): string | undefined {
  const collections = kinds.map(({ collection }) => collection).join("|");
  const nouns = kinds.map(({ noun }) => noun).join("|");
  const named =
    new RegExp(`/(?:${collections})/([0-9a-zA-Z-]+)`).exec(explanation) ??
    new RegExp(`\\b(?:${nouns}) ([0-9a-zA-Z-]+) is\\b`, "i").exec(explanation);
  return named?.[1];
}

/** The object with the name; undefined if no object has the name. */
async function findOccupant(
  requests: Pick<Requests, "client" | "signal">,
  name: string,
): Promise<{ readonly isSoftDeleted: boolean; readonly isManaged: boolean } | "mayNotLook" | undefined> {
  try {
    const versions = await listVersions(requests, name);
    if (versions.length > 0) {
      return { isSoftDeleted: false, isManaged: versions.some(({ isManaged }) => isManaged) };
    }
    const deleted = await requests.client.getDeleted(name, requests.signal);
    return deleted && { isSoftDeleted: true, isManaged: deleted.isManaged };
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    if (error instanceof Refusal && error.isPermissionMissing) {
      return "mayNotLook";
    }
    throw error;
  }
}
