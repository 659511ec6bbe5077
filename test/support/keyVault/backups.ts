import type { Backup, BackupRecord } from "../../../src/backup/backup";
import { blobBytes, sha256OfBlob } from "../../../src/backup/blob";

export const vaultUri = "https://kv-prod.vault.azure.net/";
export const sourceUri = `${vaultUri}keys/orders`;

/** A version, from a short name for it. */
export const version = (name: string): string => name.repeat(32).slice(0, 32);

/** A backup whose blob is not damaged, unless the change damages it. */
export function backup(change: Partial<Backup> = {}): Backup {
  const { blob = "AAAA", ...rest } = change;
  return {
    sourceUri,
    versions: [version("a")],
    blob,
    blobSha256: sha256OfBlob(blob),
    blobBytes: blobBytes(blob),
    backedUpAt: "2026-03-01T00:00:00Z",
    ...rest,
  };
}

export function backupRecord(change: Partial<BackupRecord> = {}): BackupRecord {
  return {
    ...backup(change),
    vaultUri,
    name: "orders",
    thumbprints: {},
    previous: [],
    ...change,
  };
}
