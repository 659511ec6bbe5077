import * as pulumi from "@pulumi/pulumi";
import type { SourceStatus } from "../backup/freshness";
import type { Backup, PreviousBackup } from "../backup/history";
import type { Properties } from "./shapes";
import { membersIn, textIn, textMembersIn, textsIn } from "./valuesIn";
import { withoutUndefined } from "./withoutUndefined";

/** What a state records of a backup. Its names are part of the contract with the states of every release. */
export interface BackupRecord extends Backup {
  readonly vaultUri: string;
  readonly keyName: string;
  readonly keyUri: string;
  /** The version that the program names. */
  readonly keyVersion?: string | undefined;
  readonly triggers?: readonly unknown[] | undefined;
  /** Recorded where it is true: a deletion is told of no input, but of what is recorded. */
  readonly forceDelete?: boolean | undefined;
  readonly keyUriWithVersion?: string | undefined;
  /** RFC 7638 thumbprints by version, as far as they are known: of its own versions and of those of `previous`. */
  readonly keyThumbprints?: Readonly<Record<string, string>> | undefined;
  /** RFC 3339. */
  readonly keyUpdatedAt?: string | undefined;
  readonly keyTags?: Readonly<Record<string, string>> | undefined;
  readonly sourceStatus?: SourceStatus | undefined;
  readonly sourceStatusReason?: string | undefined;
  /** Newest first. */
  readonly previous: readonly PreviousBackup[];
}

/**
 * The record in the properties that the engine hands over, whatever an edited state has made of them: undefined where they
 * hold none. What is no blob becomes an empty one, which is not the one that was recorded.
 */
export function recordIn({ __provider, ...properties }: Properties): BackupRecord | undefined {
  if (textIn(properties.blob) === undefined && properties.blobSha256 === undefined) {
    return undefined;
  }
  // What the first release recorded has no `previous`.
  const previous = Object.entries(membersIn(properties.previous)).map(([blobSha256, backup]) => ({
    ...backupIn(membersIn(backup), blobSha256),
    keptBecause: textIn(membersIn(backup).keptBecause) ?? "",
  }));
  return {
    ...properties,
    ...backupIn(properties, textIn(properties.blobSha256) ?? ""),
    vaultUri: textIn(properties.vaultUri) ?? "",
    keyName: textIn(properties.keyName) ?? "",
    keyUri: textIn(properties.keyUri) ?? "",
    // Releases before 0.3.0 recorded none.
    keyThumbprints: properties.keyThumbprints === undefined ? undefined : textMembersIn(properties.keyThumbprints),
    // The engine keeps no order of members.
    previous: previous.sort((one, other) => other.backedUpAt.localeCompare(one.backedUpAt)),
  };
}

/**
 * The record as it goes to the engine, with the blobs marked secret on the wire: no option can take that away. Earlier
 * backups are members of an object by their `blobSha256`, for of an array that holds a secret, a refresh makes all secret.
 */
export function toWire({ previous, ...record }: BackupRecord): Record<string, unknown> {
  return withoutUndefined({
    ...record,
    blob: secret(record.blob),
    previous: Object.fromEntries(
      previous.map((backup) => [backup.blobSha256, { ...backup, blob: secret(backup.blob) }]),
    ),
  });
}

/** All backups of a record, newest first. */
export function backupsOf(record: BackupRecord): Backup[] {
  return [record, ...record.previous];
}

function backupIn({ blob, keyVersions, backedUpAt }: Properties, blobSha256: string): Backup {
  return {
    blob: textIn(blob) ?? "",
    blobSha256,
    keyVersions: textsIn(keyVersions),
    backedUpAt: textIn(backedUpAt) ?? "",
  };
}

function secret(text: string): unknown {
  const { specialSigKey, specialSecretSig } = pulumi.runtime;
  return { [specialSigKey]: specialSecretSig, value: text };
}
