import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { contentKeyLength, decryptCompact, encryptCompact, type JweHeader } from "./compactJwe";
import { exportPrivateKey, importPrivateKey } from "./keyMaterial";
import type { KeyVersion, StoredKey } from "./keyStore";
import type { VaultKind } from "./vaultOptions";

const keyVersionString = "AzureKeyVaultKeyBackupV1.microsoft.com";
const secretVersionString = "AzureKeyVaultSecretBackupV1.microsoft.com";

/** The length of what an RSA-4096 key encrypts. */
const encryptedKeyLength = 512;

/** How much each further version adds, as a share of a backup of one version. Recorded: 1.7 of 5.4 KB, 4.7 to 5.9 of 12.3 KB. */
const shareOfFurtherVersion: Record<VaultKind, number> = { vault: 0.3125, managedHsm: 0.4 };

/** The objects other than keys that have backups. */
export type OtherKind = "secret" | "certificate";

/** Why a blob cannot be opened. */
export type BlobDefect = "corrupt" | "corruptVersion" | "undecryptable" | "otherDomain" | "notAKey";

interface Payload {
  readonly name: string;
  readonly managed: boolean;
  readonly versions: (Omit<KeyVersion, "privateKey"> & { readonly privateKey: string })[];
}

interface OtherPayload {
  readonly kind: OtherKind;
  readonly name: string;
}

interface ProtectionKey {
  readonly kid: string;
  readonly secret: Buffer;
}

/**
 * Protects backups. Each geography of vaults and each security domain of Managed HSMs has a key of its own, so that no
 * other can open its backups.
 */
export class BackupWrapping {
  readonly #keys = new Map<string, ProtectionKey>();

  /** The backup of a key in base64url. No two backups are alike. `domain` is a geography or a security domain. */
  async seal(key: StoredKey, domain: string, leastBytes: number, kind: VaultKind = "vault"): Promise<string> {
    const versions = key.versions.map((version) => ({ ...version, privateKey: exportPrivateKey(version.privateKey) }));
    const bytes = leastBytes * (1 + shareOfFurtherVersion[kind] * Math.max(versions.length - 1, 0));
    const plaintext = padded({ name: key.name, managed: key.managed, versions }, bytes);
    return kind === "vault"
      ? this.#sealForVaults(keyVersionString, plaintext, domain)
      : this.#sealForHsms(plaintext, domain);
  }

  /** The backup of a secret or certificate. A certificate's backup has the version string of a key's. */
  async sealOther(payload: OtherPayload, geography: string, leastBytes: number): Promise<string> {
    const versionString = payload.kind === "secret" ? secretVersionString : keyVersionString;
    return this.#sealForVaults(versionString, padded(payload, leastBytes), geography);
  }

  async open(blob: string, domain: string, kind: VaultKind = "vault"): Promise<StoredKey | BlobDefect> {
    const bytes = Buffer.from(blob, "base64url");
    const plaintext = kind === "vault" ? this.#openForVault(bytes, domain) : this.#openForHsm(bytes, domain);
    if (typeof plaintext === "string") return plaintext;
    const payload = JSON.parse(plaintext.toString("utf8")) as Payload | OtherPayload;
    if ("kind" in payload) return "notAKey";
    const { name, managed, versions } = payload;
    return {
      name,
      managed,
      versions: versions.map((version) => ({ ...version, privateKey: importPrivateKey(version.privateKey) })),
    };
  }

  /** A vault's blob: a length byte, a version string and a compact JWE. */
  #sealForVaults(versionString: string, plaintext: Buffer, geography: string): string {
    const { kid, secret } = this.#key("vault", geography);
    const header: JweHeader = { kid, alg: "RSA-OAEP-256", enc: "A256CBC-HS512" };
    // Only the service can decrypt the encrypted key, and RSA-4096 keys take seconds to generate. Random bytes look the same.
    const encryptedKey = randomBytes(encryptedKeyLength);
    const jwe = encryptCompact(plaintext, contentKeyOf(secret, encryptedKey), header, encryptedKey);
    return Buffer.from(`${String.fromCharCode(versionString.length)}${versionString}${jwe}`, "latin1").toString(
      "base64url",
    );
  }

  #openForVault(bytes: Buffer, geography: string): Buffer | BlobDefect {
    const [length] = bytes;
    if (length === undefined || bytes.length <= length) return "corrupt";
    if (bytes.toString("latin1", 1, 1 + length) !== keyVersionString) return "corruptVersion";
    const jwe = bytes.toString("latin1", 1 + length);
    const { secret } = this.#key("vault", geography);
    return decryptCompact(jwe, (encryptedKey) => contentKeyOf(secret, encryptedKey)) ?? "undecryptable";
  }

  /** A Managed HSM's blob: a compact JWE whose encrypted key is empty. */
  #sealForHsms(plaintext: Buffer, securityDomain: string): string {
    const header: JweHeader = { alg: "dir", enc: "A256CBC-HS512", kid: "backup-protection-key" };
    const { secret } = this.#key("managedHsm", securityDomain);
    return Buffer.from(encryptCompact(plaintext, secret, header, Buffer.alloc(0)), "latin1").toString("base64url");
  }

  #openForHsm(bytes: Buffer, securityDomain: string): Buffer | BlobDefect {
    const { secret } = this.#key("managedHsm", securityDomain);
    return decryptCompact(bytes.toString("latin1"), () => secret) ?? "otherDomain";
  }

  #key(kind: VaultKind, domain: string): ProtectionKey {
    const id = `${kind} ${domain}`;
    const key = this.#keys.get(id) ?? { kid: randomUUID(), secret: randomBytes(contentKeyLength) };
    this.#keys.set(id, key);
    return key;
  }
}

/** Takes the place of the decryption by an RSA-4096 key. */
function contentKeyOf(secret: Buffer, encryptedKey: Buffer): Buffer {
  return createHmac("sha512", secret).update(encryptedKey).digest();
}

function padded(payload: Payload | OtherPayload, leastBytes: number): Buffer {
  return Buffer.from(JSON.stringify(payload).padEnd(leastBytes));
}
