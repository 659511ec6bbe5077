import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { BackupWrapping } from "./backupBlob";
import { type Certificate, createCertificate } from "./certificate";
import { startControlEndpoint } from "./controlEndpoint";
import { LocalIdentity } from "./localIdentity";
import { LocalVault, type VaultHost } from "./localVault";
import type { LoopbackServer } from "./loopbackServer";
import type { VaultOptions } from "./vaultOptions";

export interface LocalKeyVaultOptions {
  /** The folder of the certificate. @default a temporary folder, which is removed at the end */
  readonly certificateDirectory?: string;
  /** The clock of vaults and tokens, in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Azure Key Vault on loopback: any number of vaults, each on a port of its own, and the identities that may use them. */
export class LocalKeyVault {
  readonly identity: LocalIdentity;
  readonly certificatePath: string;
  readonly certificatePem: string;
  /** The certificate of all hosts, for another service that the same processes are to trust. */
  readonly certificate: Certificate;
  readonly #host: VaultHost;
  readonly #vaults = new Map<string, Promise<LocalVault>>();
  readonly #started = new Map<string, LocalVault>();
  readonly #temporaryFolder: string | undefined;
  #control: LoopbackServer | undefined;
  #unnamed = 0;
  #stopping: Promise<void> | undefined;

  private constructor(host: VaultHost, certificatePath: string, temporaryFolder: string | undefined) {
    this.#host = host;
    this.identity = host.identity;
    this.certificatePath = certificatePath;
    this.certificate = host.certificate;
    this.certificatePem = host.certificate.certificatePem;
    this.#temporaryFolder = temporaryFolder;
  }

  static async start({ certificateDirectory, now = Date.now }: LocalKeyVaultOptions = {}): Promise<LocalKeyVault> {
    const certificate = await createCertificate();
    const folder = certificateDirectory ?? (await mkdtemp(path.join(tmpdir(), "local-key-vault-")));
    await mkdir(folder, { recursive: true });
    const certificatePath = path.join(folder, "certificate.pem");
    await writeFile(certificatePath, certificate.certificatePem);
    const identity = await LocalIdentity.start(certificate, now);
    const host = { certificate, identity, wrapping: new BackupWrapping(), now };
    const service = new LocalKeyVault(host, certificatePath, certificateDirectory === undefined ? folder : undefined);
    service.#control = await startControlEndpoint(service);
    return service;
  }

  /** Other processes create vaults and keys at this address. */
  get controlUri(): string {
    return `http://127.0.0.1:${this.#control?.port}`;
  }

  get vaults(): LocalVault[] {
    return [...this.#started.values()];
  }

  /** The variables by which a child process trusts the vaults and gets tokens for them. */
  environment(): Record<string, string> {
    return {
      NODE_EXTRA_CA_CERTS: this.certificatePath,
      IDENTITY_ENDPOINT: this.identity.endpoint,
      IDENTITY_HEADER: this.identity.header,
    };
  }

  async createVault(name = this.#nextName(), options: VaultOptions = {}): Promise<LocalVault> {
    if (this.#vaults.has(name)) throw new Error(`There is a vault ${name} already`);
    const starting = LocalVault.start(name, this.#host, options);
    this.#vaults.set(name, starting);
    const vault = await starting;
    this.#started.set(name, vault);
    return vault;
  }

  vault(name: string): LocalVault | undefined {
    return this.#started.get(name);
  }

  /** The vault with this name. Creates the vault with the options if the vault does not exist. */
  async ensureVault(name: string, options: VaultOptions = {}): Promise<LocalVault> {
    return (await this.#vaults.get(name)) ?? this.createVault(name, options);
  }

  async deleteVault(name: string): Promise<boolean> {
    const vault = this.#started.get(name);
    this.#vaults.delete(name);
    this.#started.delete(name);
    await vault?.stop();
    return vault !== undefined;
  }

  /** Closes every server and connection; a second call awaits the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  async #close(): Promise<void> {
    const vaults = await Promise.all(this.#vaults.values());
    await Promise.all([this.#control?.close(), this.identity.stop(), ...vaults.map((vault) => vault.stop())]);
    if (this.#temporaryFolder !== undefined) await rm(this.#temporaryFolder, { recursive: true, force: true });
  }

  #nextName(): string {
    this.#unnamed += 1;
    return `kv-local-${this.#unnamed}`;
  }
}
