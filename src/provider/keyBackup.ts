import { sha256OfBlob, unfamiliarStructure } from "../backup/blob";
import { freshnessOf } from "../backup/freshness";
import { type Backup, keptBeside, lackingInSource, onlyCopies, tellingVersions, versionsText } from "../backup/history";
import { keyUriOf, keyVersionUriOf } from "../keyVault/keyReference";
import type { Vault } from "../keyVault/vault";
import { type BackupRecord, backupsOf, recordIn, toWire } from "./backupRecord";
import { compareProperties } from "./compareProperties";
import { readConfiguration, type StackConfig } from "./configuration";
import type { DynamicProvider } from "./dynamicProvider";
import { explainCoverage } from "./explainCoverage";
import { checkInputs, type Inputs } from "./keyBackupInputs";
import { refusedDeletion } from "./refusedDeletion";
import { requireIntact } from "./requireIntact";
import { say } from "./say";
import { textIn } from "./valuesIn";
import { withoutStack } from "./withoutStack";

/** The vault as the stack's identity sees it. */
export type VaultOf = (vaultUri: string, config: StackConfig) => Pick<Vault, "backUpKey" | "lookUpKey">;

/** @param now - The time, in milliseconds. */
export function createKeyBackupProvider(now: () => number, vaultOf: VaultOf): DynamicProvider {
  // What the program lets go of. A resource that was replaced is deleted at the end of the same update, and is told no more
  // of the program than this.
  const forgotten = new Set<string>();

  /** Backs the key up, and keeps of the earlier backups those that the new one may not take the place of. */
  async function backUp(
    inputs: Inputs,
    recorded: BackupRecord | undefined,
    config: StackConfig,
  ): Promise<BackupRecord> {
    const earlier = recorded === undefined ? [] : backupsOf(recorded);
    const { vaultUri, keyName, keyVersion, triggers, retain = 0, forget = [], forceDelete } = inputs;
    const key = { vaultUri, keyName };
    const candidates = without(forget, earlier);
    // The newest may be damaged, as a new backup may take its place.
    requireIntact(candidates.filter((backup) => backup !== earlier[0]));
    const named = candidates.flatMap((backup) => backup.keyVersions);
    const { blob, source, thumbprints } = await vaultOf(vaultUri, config).backUpKey(keyName, keyVersion, named);
    const versions = source.kind === "found" ? source.versions : [];
    const [newest] = versions;
    // A blob that is unlike an earlier one proves nothing.
    const isLike = isFamiliar(blob) || !candidates.some((backup) => isFamiliar(backup.blob));
    const keyVersions = isLike ? versions.map(({ version }) => version) : [];
    const previous = keptBeside({ keyVersions }, candidates, retain);
    requireIntact(previous);
    const held = [{ keyVersions }, ...previous].flatMap((backup) => backup.keyVersions);
    return {
      ...key,
      keyUri: keyUriOf(key),
      keyVersion,
      triggers,
      forceDelete: forceDelete || undefined,
      keyVersions,
      keyUriWithVersion: newest && isLike ? keyVersionUriOf(key, newest.version) : undefined,
      // No version's public key ever changes.
      keyThumbprints: membersOf({ ...recorded?.keyThumbprints, ...thumbprints }, held),
      keyUpdatedAt: newest && new Date(Math.max(...versions.map(({ updatedAt }) => updatedAt))).toISOString(),
      keyTags: newest?.tags,
      blob,
      blobSha256: sha256OfBlob(blob),
      backedUpAt: new Date(now()).toISOString(),
      sourceStatus: source.kind === "found" ? "current" : source.kind,
      sourceStatusReason: source.kind === "found" ? undefined : source.because,
      previous,
    };
  }

  return {
    /** Makes no call. Completes the inputs, so that a preview shows the key in every spelling. */
    async check(olds, news, config) {
      const configuration = readConfiguration(config);
      const { inputs, mistakes } = checkInputs(news, olds, configuration.disableChallengeResourceVerification);
      const reasons = [...configuration.mistakes, ...mistakes];
      if (reasons.length === 0 && Array.isArray(inputs.forget)) {
        for (const sha256 of inputs.forget) {
          forgotten.add(sha256);
        }
      }
      // The engine prints the value of a property that a failure names, even of a secret one.
      return { inputs: { ...inputs }, failures: reasons.map((reason) => ({ property: "", reason })) };
    },

    /** Makes no call, and tells why a new backup is due. */
    async diff(_id, olds, news) {
      const coverage = compareProperties(olds, news, now());
      const explanation = explainCoverage(coverage);
      if (explanation !== undefined) {
        say("KeyBackup", textIn(olds.keyUri) ?? "", explanation);
      }
      return coverage.kind === "otherKey"
        ? { changes: true, replaces: [...coverage.properties] }
        : { changes: coverage.kind !== "covered" && coverage.kind !== "overdue" };
    },

    /** Backs the key up. */
    async create(inputs, config) {
      const declared = inputs as unknown as Inputs;
      const record = await backUp(declared, undefined, config);
      sayWhatToKnow(record);
      return { id: keyUriOf(declared), outs: toWire(record) };
    },

    /** Compares the key with the record, and keeps the record, whatever has become of the key. Never makes a backup. */
    async read(id, props, config) {
      const record = recordIn(props);
      if (record === undefined) {
        throw withoutStack(`There is no backup of ${id} to read: a KeyBackup exists only in the state that made it.`);
      }
      requireIntact(backupsOf(record));
      const source = await vaultOf(record.vaultUri, config).lookUpKey(record.keyName, tellingVersions([record]));
      if (source.kind !== "found") {
        say("KeyBackup", record.keyUri, `the backup is kept, and the key is ${source.kind}: ${source.because}`);
      }
      return { id, props: toWire({ ...record, sourceStatusReason: undefined, ...freshnessOf(record, source) }) };
    },

    /** Backs the key up anew, if that is due, and else keeps the backup. If it fails, the engine keeps the record. */
    async update(_id, olds, news, config) {
      const inputs = news as unknown as Inputs;
      const record = recordIn(olds);
      const { kind } = compareProperties(olds, news, now());
      if (record === undefined || (kind !== "covered" && kind !== "amend" && kind !== "overdue")) {
        const renewed = await backUp(inputs, record, config);
        sayWhatToKnow(renewed);
        return { outs: toWire(renewed) };
      }
      const previous = without(inputs.forget ?? [], record.previous);
      requireIntact([record, ...previous]);
      return { outs: toWire({ ...record, previous, forceDelete: inputs.forceDelete || undefined }) };
    },

    /** Looks the key up, and refuses where the record may be the only copy of what the key lacks. */
    async delete(_id, props, config) {
      const record = recordIn(props);
      const backups = record === undefined ? [] : without([...forgotten], backupsOf(record));
      if (record === undefined || record.forceDelete === true || backups.length === 0) {
        return;
      }
      const source = await vaultOf(record.vaultUri, config).lookUpKey(record.keyName, tellingVersions(backups));
      if (source.kind === "found") {
        const only = onlyCopies(backups, source);
        if (only.length > 0) {
          const lost = [...new Set(only.flatMap(({ keyVersions }) => lackingInSource(keyVersions, source)))];
          const because =
            lost.length === 0
              ? "which versions it holds was not known when it was made."
              : `the key in the vault lacks ${versionsText(lost)}.`;
          throw refusedDeletion(record.keyUri, only, `it may hold the only copy: ${because}`);
        }
      } else if (source.kind === "missing") {
        throw refusedDeletion(record.keyUri, backups, `it may be the only copy of the key: ${source.because}`);
      } else if (source.isForbidden) {
        say("KeyBackup", record.keyUri, `deleted, and whether the key is still there is not known: ${source.because}`);
      } else {
        const because = `whether the key is still there could not be learnt: ${source.because} Run again when it can.`;
        throw refusedDeletion(record.keyUri, backups, because);
      }
    },
  };
}

function without<T extends Backup>(forget: readonly string[], backups: readonly T[]): T[] {
  const forgotten = new Set(forget);
  return backups.filter(({ blobSha256 }) => !forgotten.has(blobSha256));
}

function membersOf(texts: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(texts).filter(([name]) => wanted.has(name)));
}

function isFamiliar(blob: string): boolean {
  return unfamiliarStructure(blob) === undefined;
}

function sayWhatToKnow({ vaultUri, keyUri, blob, previous }: BackupRecord): void {
  for (const { backedUpAt, blobSha256, keptBecause } of previous) {
    say("KeyBackup", keyUri, `the backup of ${backedUpAt} (${blobSha256}) is kept in previous: ${keptBecause}.`);
  }
  const structure = new URL(vaultUri).hostname.includes(".managedhsm.") ? undefined : unfamiliarStructure(blob);
  if (structure !== undefined) {
    say(
      "KeyBackup",
      keyUri,
      `warning: the backup is not like those of Key Vault: ${structure}. Prove it by restoring it.`,
    );
  }
}
