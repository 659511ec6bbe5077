import { KeyClient } from "@azure/keyvault-keys";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { Declaration, HeldBackup, HeldRecord, StackEngine } from "./stackEngine";

/** What the program says of its one `KeyBackup`. */
export interface Program {
  readonly keyName: string;
  /** Named in `keyUri`. */
  readonly keyVersion?: string | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface WorldOptions {
  readonly engine: StackEngine;
  readonly vault: LocalVault;
  readonly restoring: Restoring;
  readonly keyNames: readonly [string, string];
  /** Lets time pass for the vault and for the provider, where they have a clock that can be set. */
  readonly pass: (milliseconds: number) => void;
  /** Whether each successful `pulumi up` is run once more, to change nothing. */
  readonly isRepeated: boolean;
}

/** A stack, the vault that it backs up, and the user: what they do, and what must hold after each step. */
export class World {
  readonly engine: StackEngine;
  readonly vault: LocalVault;
  readonly keyNames: readonly [string, string];
  readonly pass: (milliseconds: number) => void;
  readonly isRepeated: boolean;
  readonly #restoring: Restoring;
  /** Undefined where the resource is removed from the program. */
  program: Program | undefined;

  constructor({ engine, vault, restoring, keyNames, pass, isRepeated }: WorldOptions) {
    this.engine = engine;
    this.vault = vault;
    this.#restoring = restoring;
    this.keyNames = keyNames;
    this.pass = pass;
    this.isRepeated = isRepeated;
    this.program = { keyName: keyNames[0], inputs: {} };
  }

  get declaration(): Declaration {
    if (this.program === undefined) return undefined;
    const { keyName, keyVersion, inputs } = this.program;
    const { vaultUri } = this.vault;
    return keyVersion === undefined
      ? { vaultUri, keyName, ...inputs }
      : { keyUri: `${vaultUri}keys/${keyName}/${keyVersion}`, ...inputs };
  }

  /** The program's own words for backups to let go of. */
  get forget(): readonly string[] {
    return (this.program?.inputs.forget ?? []) as readonly string[];
  }

  declare(inputs: Readonly<Record<string, unknown>>): void {
    this.change({ inputs: { ...this.program?.inputs, ...inputs } });
  }

  change(change: Partial<Program>): void {
    this.program = { keyName: this.keyNames[0], inputs: {}, ...this.program, ...change };
  }

  get mayRead(): boolean {
    return this.vault.permissions.has("get") || this.vault.permissions.has("list");
  }

  versionsOf(keyName: string): string[] {
    return this.vault.keyVersions(keyName).map(({ version }) => version);
  }

  /** What a blob restores. */
  restored(blob: string): Promise<readonly string[]> {
    return this.#restoring.versionsIn(blob);
  }

  /**
   * Does something, and compares what the state held before with what it holds after: a version is gone from its blobs only
   * where the user let go of it in so many words, or deleted the resource while the key was known to have the version, or
   * without the permission to read.
   */
  async step<T>(does: () => Promise<T>, isDestroyed = false): Promise<T> {
    const before = await this.engine.records();
    const result = await does();
    const after = await this.#heldVersions(await this.engine.records());
    for (const record of before) {
      const mayGo = this.#mayGo(record, isDestroyed);
      for (const backup of record.backups) {
        const gone = (await this.restored(backup.blob)).filter((version) => !after.has(version));
        const lost = gone.filter((version) => !mayGo(backup, version));
        if (lost.length > 0) {
          throw new Error(`No blob holds ${lost.join(", ")} of ${record.keyName} any more.`);
        }
      }
    }
    return result;
  }

  #mayGo(record: HeldRecord, isDestroyed: boolean): (backup: HeldBackup, version: string) => boolean {
    const { forget } = this;
    const isDeleted = isDestroyed || record.isPendingDelete || this.program?.keyName !== record.keyName;
    const present = new Set(this.versionsOf(record.keyName));
    return ({ blobSha256 }, version) =>
      forget.includes(blobSha256) || (isDeleted && (record.forceDelete || !this.mayRead || present.has(version)));
  }

  /** Restores every blob, which must hold what is recorded of it. */
  async #heldVersions(records: readonly HeldRecord[]): Promise<Set<string>> {
    const held = new Set<string>();
    for (const { blob, keyVersions } of records.flatMap(({ backups }) => backups)) {
      const restored = await this.restored(blob);
      const missing = keyVersions.filter((version) => !restored.includes(version));
      if (missing.length > 0) throw new Error(`A blob is recorded to hold ${missing.join(", ")}, and does not.`);
      for (const version of restored) held.add(version);
    }
    return held;
  }
}

/** Restores blobs by the SDK that users have, into a vault for that purpose, each once. */
export class Restoring {
  readonly #vault: LocalVault;
  readonly #client: KeyClient;
  readonly #known = new Map<string, Promise<readonly string[]>>();

  private constructor(vault: LocalVault, client: KeyClient) {
    this.#vault = vault;
    this.#client = client;
  }

  static async start(service: LocalKeyVault): Promise<Restoring> {
    const vault = await service.createVault();
    const token = service.identity.accessToken("https://vault.azure.net");
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 86_400_000 }) };
    const client = new KeyClient(vault.vaultUri, credential, {
      serviceVersion: "7.4",
      disableChallengeResourceVerification: true,
    });
    return new Restoring(vault, client);
  }

  get count(): number {
    return this.#known.size;
  }

  versionsIn(blob: string): Promise<readonly string[]> {
    const known = this.#known.get(blob) ?? this.#restore(blob);
    this.#known.set(blob, known);
    return known;
  }

  async #restore(blob: string): Promise<readonly string[]> {
    const { name } = await this.#client.restoreKeyBackup(Buffer.from(blob, "base64url"));
    const versions = this.#vault.keyVersions(name).map(({ version }) => version);
    this.#vault.deleteKey(name);
    this.#vault.purgeKey(name);
    return versions;
  }
}
