import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { contentKeyLength, decryptCompact, encryptCompact, type JweHeader } from "./compactJwe";
import type { CollectionName, Json, ObjectKind } from "./objectKind";
import type { StoredObject, StoredVersion } from "./storedObject";
import type { VaultKind, VaultSettings } from "./vaultOptions";

const keyVersionString = "AzureKeyVaultKeyBackupV1.microsoft.com";

// The version string of a certificate's backup is that of a key.
const versionStrings: Record<CollectionName, string> = {
  keys: keyVersionString,
  secrets: "AzureKeyVaultSecretBackupV1.microsoft.com",
  certificates: keyVersionString,
};

/** The length of what an RSA-4096 key encrypts. */
const encryptedKeyLength = 512;

interface Size {
  readonly first: number;
  /** What each further version adds. */
  readonly further: number;
}

/** The sizes of backups before their encryption, as multiples of `blobPadding`: those of keys, secrets and certificates as recorded. */
const vaultSizes: Record<CollectionName, Size> = {
  keys: { first: 1, further: 0.3125 },
  secrets: { first: 0.48, further: 0.03 },
  certificates: { first: 4.58, further: 1.5 },
};

/** Recorded: 4.7 to 5.9 of 12.3 KB. */
const hsmSize: Size = { first: 1, further: 0.4 };

/** Why a blob cannot be opened. */
export type BlobDefect = "corrupt" | "corruptVersion" | "undecryptable" | "otherDomain" | "otherKind";

interface Payload {
  readonly collection: CollectionName;
  readonly name: string;
  readonly versions: Json[];
}

/** What a backup depends on besides its object. */
export type BackupDomain = Pick<VaultSettings, "kind" | "geography" | "securityDomain" | "blobPadding">;

type Kind<Version extends StoredVersion> = ObjectKind<Version, object, object>;

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

  /** The backup of an object in base64url. No two backups are alike. */
  seal<Version extends StoredVersion>(
    { words: { collection }, exportVersion }: Kind<Version>,
    { name, versions }: StoredObject<Version>,
    { kind, geography, securityDomain, blobPadding }: BackupDomain,
  ): string {
    const { first, further } = kind === "vault" ? vaultSizes[collection] : hsmSize;
    const leastBytes = Math.round(blobPadding * (first + further * Math.max(versions.length - 1, 0)));
    const payload: Payload = { collection, name, versions: versions.map(exportVersion) };
    const plaintext = Buffer.from(JSON.stringify(payload).padEnd(leastBytes));
    return kind === "vault"
      ? this.#sealForVaults(versionStrings[collection], plaintext, geography)
      : this.#sealForHsms(plaintext, securityDomain);
  }

  open<Version extends StoredVersion>(
    { words: { collection }, importVersion }: Kind<Version>,
    blob: string,
    { kind, geography, securityDomain }: BackupDomain,
  ): StoredObject<Version> | BlobDefect {
    const bytes = Buffer.from(blob, "base64url");
    const plaintext =
      kind === "vault"
        ? this.#openForVault(versionStrings[collection], bytes, geography)
        : this.#openForHsm(bytes, securityDomain);
    if (typeof plaintext === "string") return plaintext;
    const payload = JSON.parse(plaintext.toString("utf8")) as Payload;
    if (payload.collection !== collection) return "otherKind";
    return { name: payload.name, managed: false, versions: payload.versions.map(importVersion) };
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

  #openForVault(versionString: string, bytes: Buffer, geography: string): Buffer | BlobDefect {
    const [length] = bytes;
    if (length === undefined || bytes.length <= length) return "corrupt";
    if (bytes.toString("latin1", 1, 1 + length) !== versionString) return "corruptVersion";
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
