import type { JsonWebKey, X509Certificate } from "node:crypto";
import type { VaultServices } from "./answerOperation";
import type { BackupWrapping } from "./backupBlob";
import {
  type CertificateVersion,
  certificateKind,
  managedKey,
  managedSecret,
  type NewCertificate,
} from "./certificateKind";
import { type KeyChange, type KeyVersion, keyKind, type NewKey } from "./keyKind";
import { publicJwkOf, signDigest } from "./keyMaterial";
import type { CollectionName } from "./objectKind";
import { ObjectStore } from "./objectStore";
import { type NewSecret, type SecretChange, type SecretVersion, secretKind } from "./secretKind";
import type { CommonChange } from "./storedObject";
import { VaultObjects } from "./vaultObjects";
import type { VaultKind, VaultSettings } from "./vaultOptions";

export class VaultKeys extends VaultObjects<KeyVersion, NewKey, KeyChange> {
  /** Signs a SHA-256 digest by ES256 or RS256, even if `key_ops` do not permit it. */
  sign(name: string, version: string | undefined, digest: Uint8Array): Buffer {
    return signDigest(this.knownVersion(name, version).privateKey, digest);
  }

  publicJwk(name: string, version?: string): JsonWebKey {
    return publicJwkOf(this.knownVersion(name, version).privateKey);
  }
}

export class VaultSecrets extends VaultObjects<SecretVersion, NewSecret, SecretChange> {
  value(name: string, version?: string): string {
    return this.knownVersion(name, version).value;
  }
}

export class VaultCertificates extends VaultObjects<CertificateVersion, NewCertificate, CommonChange> {
  x509(name: string, version?: string): X509Certificate {
    return this.knownVersion(name, version).certificate;
  }
}

/** The objects of a vault, and its settings. */
export abstract class VaultCollections implements VaultSettings {
  readonly name: string;
  readonly keys: VaultKeys;
  readonly secrets: VaultSecrets;
  readonly certificates: VaultCertificates;
  declare readonly kind: VaultKind;
  declare geography: string;
  declare securityDomain: string;
  declare blobPadding: number;
  declare purgeProtection: boolean;
  declare retentionDays: number;
  declare deletionMilliseconds: number;
  declare issuanceMilliseconds: number;
  declare recoveryMilliseconds: number;
  declare purgeMilliseconds: number;
  declare shortPages: boolean;
  declare resource: string;
  declare tenantId: string;
  protected readonly services: VaultServices;

  protected constructor(name: string, wrapping: BackupWrapping, now: () => number, settings: VaultSettings) {
    Object.assign(this, settings);
    this.name = name;
    const keys = new ObjectStore<KeyVersion>("keys", now, settings.kind);
    const secrets = new ObjectStore<SecretVersion>("secrets", now, settings.kind);
    const certificates = new ObjectStore<CertificateVersion>("certificates", now, settings.kind);
    certificates.followedBy(keys, managedKey);
    certificates.followedBy(secrets, managedSecret);
    this.services = {
      keys: { vault: this, wrapping, kind: keyKind, store: keys },
      secrets: { vault: this, wrapping, kind: secretKind, store: secrets },
      certificates: { vault: this, wrapping, kind: certificateKind, store: certificates },
    };
    this.keys = new VaultKeys(this.services.keys);
    this.secrets = new VaultSecrets(this.services.secrets);
    this.certificates = new VaultCertificates(this.services.certificates);
  }

  abstract get vaultUri(): string;

  collection(name: CollectionName): VaultKeys | VaultSecrets | VaultCertificates {
    return this[name];
  }
}
