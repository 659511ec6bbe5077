import * as pulumi from "@pulumi/pulumi";
import { sha256OfBlob } from "../backup/blob";
import { coverageOf, type RecordedBackup } from "../backup/coverage";
import { keyUriOf, keyVersionUriOf } from "../keyVault/keyReference";
import { readConfiguration, type StackConfig } from "./configuration";
import { isUnknown } from "./isUnknown";
import { checkInputs, type Properties } from "./keyBackupInputs";
import { vaultOf } from "./vaultOf";

/** The inputs as `check` completes them, once all are known. */
interface Inputs {
  readonly vaultUri: string;
  readonly keyName: string;
  readonly keyUri: string;
  /** The version that the program names. */
  readonly keyVersion?: string;
  readonly triggers?: readonly unknown[];
}

/** What a state records of a backup. Its names are part of the contract with the states of every release. */
interface Outputs extends Inputs {
  readonly keyUriWithVersion?: string;
  readonly keyVersions: readonly string[];
  readonly blob: string;
  readonly blobSha256: string;
  readonly backedUpAt: string;
}

/** What the text in a state calls, with these arguments in this order: never changed. */
interface KeyBackupProvider {
  check(olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.CheckResult>;
  diff(id: string, olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.DiffResult>;
  create(inputs: Properties, config: StackConfig): Promise<pulumi.dynamic.CreateResult>;
  read(id: string, props: Properties, config: StackConfig): Promise<pulumi.dynamic.ReadResult>;
  update(id: string, olds: Properties, news: Properties, config: StackConfig): Promise<pulumi.dynamic.UpdateResult>;
  delete(id: string, props: Properties, config: StackConfig): Promise<void>;
}

export const keyBackup: KeyBackupProvider = {
  /** Makes no call. Completes the inputs, so that a preview shows the key in every spelling. */
  async check(olds, news, config) {
    const configuration = readConfiguration(config);
    const { inputs, mistakes } = checkInputs(news, olds, configuration.disableChallengeResourceVerification);
    // The engine prints the value of a property that a failure names, even of a secret one.
    const failures = [...configuration.mistakes, ...mistakes].map((reason) => ({ property: "", reason }));
    return { inputs: { ...inputs }, failures };
  },

  /** Makes no call, and tells why a new backup is due. */
  async diff(_id, olds, news) {
    const { __provider, ...declared } = news;
    const unknown = Object.keys(declared).filter((name) => isUnknown(declared[name]));
    const coverage = coverageOf(keyOf(olds), { ...keyOf(news), unknown });
    switch (coverage.kind) {
      case "covered":
        return { changes: false };
      case "renew":
        say(`${olds.keyUri}: a new backup will be made, because ${coverage.because}.`);
        return { changes: true };
      case "unknown":
        say(
          `${olds.keyUri}: ${mayBecome(coverage.names)}: ${coverage.names.join(" and ")} will be known during the update.`,
        );
        return { changes: true };
      case "otherKey":
        say(
          `${olds.keyUri}: replaced by a backup of another key, because ${coverage.properties.join(" and ")} changed.`,
        );
        return { changes: true, replaces: [...coverage.properties] };
      default:
        return coverage satisfies never;
    }
  },

  /** Backs the key up. */
  async create(inputs, config) {
    const key = inputs as unknown as Inputs;
    return { id: keyUriOf(key), outs: await backUp(key, config) };
  },

  /** Makes no call, and keeps the record as it is: a backup exists nowhere but in the state. */
  async read(id, props) {
    if (typeof props.blob !== "string") {
      throw withoutStack(
        new Error(`There is no backup of ${id} to read: a KeyBackup exists only in the state that made it.`),
      );
    }
    return { id, props: recordOf(props as unknown as Outputs) };
  },

  /**
   * Backs the key up anew, unless the new backup is not known to hold what the recorded one holds. If that fails, the
   * engine keeps the record as it was.
   */
  async update(_id, olds, news, config) {
    return { outs: await backUp(news as unknown as Inputs, config, keyOf(olds).keyVersions) };
  },

  /** Makes no call: the blob leaves the state. */
  async delete() {},
};

async function backUp(
  { vaultUri, keyName, keyVersion, triggers }: Inputs,
  config: StackConfig,
  superseded?: readonly string[],
): Promise<Properties> {
  const { blob, keyVersions } = await vaultOf(vaultUri, config).backUpKey(keyName, keyVersion, superseded);
  const [newest] = keyVersions;
  return recordOf({
    vaultUri,
    keyName,
    keyUri: keyUriOf({ vaultUri, keyName }),
    ...(keyVersion === undefined ? {} : { keyVersion }),
    ...(triggers === undefined ? {} : { triggers }),
    ...(newest === undefined ? {} : { keyUriWithVersion: keyVersionUriOf({ vaultUri, keyName }, newest) }),
    keyVersions,
    blob,
    blobSha256: sha256OfBlob(blob),
    backedUpAt: new Date().toISOString(),
  });
}

// `check` completes only what is known: with the key's URI or its parts unknown, it may be another key.
function mayBecome(unknown: readonly string[]): string {
  return unknown.every((name) => name === "triggers")
    ? "a new backup may be made"
    : "a new backup may be made, or one of another key that takes the place of this one";
}

/** What properties say of a key and its backup, as far as it is known. */
function keyOf({ vaultUri, keyName, keyVersion, keyVersions, triggers }: Properties): RecordedBackup {
  const text = (value: unknown) => (typeof value === "string" && !isUnknown(value) ? value : undefined);
  const list = (value: unknown) => (Array.isArray(value) ? value : []);
  return {
    vaultUri: text(vaultUri),
    keyName: text(keyName),
    keyVersion: text(keyVersion),
    keyVersions: list(keyVersions).filter((version) => typeof version === "string"),
    triggers: list(triggers),
  };
}

/** The record as it goes to the engine, with the blob marked secret on the wire: no option can take that away. */
function recordOf(outputs: Outputs): Properties {
  const { specialSigKey, specialSecretSig } = pulumi.runtime;
  return { ...outputs, blob: { [specialSigKey]: specialSecretSig, value: outputs.blob } };
}

// The provider process prints the stack of an error of `read`.
function withoutStack(error: Error): Error {
  error.stack = "";
  return error;
}

function say(line: string): void {
  process.stdout.write(`KeyBackup ${line}\n`);
}
