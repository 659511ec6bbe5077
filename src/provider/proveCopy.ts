import { compareRestored, type DrillCheck, type Thumbprint } from "../backup/drill";
import { lacking } from "../backup/history";
import { inResolvedVault, type UnreachableKey } from "../keyVault/lookUpKey";
import type { PublicKey } from "../keyVault/publicKey";
import type { PublicKeys } from "../keyVault/readPublicKeys";
import type { Vault } from "../keyVault/vault";
import type { RestorableBackup } from "./backupInput";

export interface ProvingTools {
  readonly scratch: Pick<Vault, "lookUpKey" | "readPublicKeys" | "provePrivateKey">;
  /** The vault of the key itself, where that is known. */
  readonly source: Pick<Vault, "readPublicKeys"> | undefined;
  /** In milliseconds. */
  now(): number;
}

/** What was learnt of a restored key. */
export interface Evidence {
  readonly checks: readonly DrillCheck[];
  /** Newest first. */
  readonly restoredVersions: readonly string[];
}

// Each proof is a request of its own, and a key may have hundreds of versions.
const atOnce = 8;

/**
 * Compares the restored key with its source, version by version, and lets it use its private keys.
 *
 * @throws An error where not even its versions can be read.
 */
export async function proveCopy(
  backup: RestorableBackup,
  keyName: string,
  { scratch, source, now }: ProvingTools,
): Promise<Evidence> {
  const key = inResolvedVault(await scratch.lookUpKey(keyName, backup.keyVersions));
  if (key.kind !== "found") {
    throw new Error(`The restored key could not be read: ${key.because}`);
  }
  const restoredVersions = key.versions.map(({ version }) => version);
  const keys = await scratch.readPublicKeys(keyName, restoredVersions);
  const checks = compareRestored({
    expected: backup.keyVersions,
    restored: restoredVersions,
    isComplete: key.isComplete,
    restoredThumbprint: thumbprintIn(keys, "the vault has no public key of it"),
    sourceThumbprint: await sourceThumbprints(backup, restoredVersions, source),
  });
  const proved: DrillCheck[] = [];
  for (let from = 0; from < checks.length; from += atOnce) {
    const some = checks.slice(from, from + atOnce).map(async (check): Promise<DrillCheck> => {
      const publicKey = publicKeyIn(keys, check.version);
      if (check.publicKey !== "passed" || publicKey === undefined) {
        return check;
      }
      const proof = await scratch.provePrivateKey(keyName, publicKey, now());
      return { ...check, privateKey: resultOf(proof) };
    });
    proved.push(...(await Promise.all(some)));
  }
  return { checks: proved, restoredVersions };
}

function resultOf(proof: Awaited<ReturnType<Vault["provePrivateKey"]>>): DrillCheck["privateKey"] {
  switch (proof.kind) {
    case "proved":
      return "passed";
    case "refuted":
      return `failed: ${proof.because}`;
    case "notRun":
      return `not run: ${proof.because}`;
    default:
      return proof satisfies never;
  }
}

/** The thumbprints of the source: as recorded with the backup, else as the source has them now. */
async function sourceThumbprints(
  { keyName, keyThumbprints }: RestorableBackup,
  versions: readonly string[],
  source: ProvingTools["source"],
): Promise<(version: string) => Thumbprint> {
  const unrecorded = lacking(versions, Object.keys(keyThumbprints));
  const read = unrecorded.length === 0 ? undefined : await source?.readPublicKeys(keyName ?? "", unrecorded);
  const present =
    read === undefined
      ? () => ({
          because: "its public key is not recorded with the backup, and of the source nothing is known (backup.keyUri)",
        })
      : thumbprintIn(read, "its public key is not recorded with the backup, and the source has none of it");
  return (version) => {
    const recorded = keyThumbprints[version];
    return recorded === undefined ? present(version) : { thumbprint: recorded };
  };
}

function thumbprintIn(read: PublicKeys | UnreachableKey, otherwise: string): (version: string) => Thumbprint {
  return (version) => {
    const thumbprint = publicKeyIn(read, version)?.thumbprint;
    return thumbprint === undefined
      ? { because: read.kind === "unreachable" ? read.because : otherwise }
      : { thumbprint };
  };
}

function publicKeyIn(read: PublicKeys | UnreachableKey, version: string): PublicKey | undefined {
  return read.kind === "read" ? read.keys.find((key) => key.version === version) : undefined;
}
