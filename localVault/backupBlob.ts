import { generateKeyPair, type JsonWebKey, type KeyObject, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { decryptCompact, encryptCompact } from "./compactJwe";
import { privateKeyFromJwk } from "./keyMaterial";
import type { KeyVersion, StoredKey } from "./keyStore";

const generate = promisify(generateKeyPair);
const keyPrefix = prefixOf("AzureKeyVaultKeyBackupV1.microsoft.com");
const secretPrefix = prefixOf("AzureKeyVaultSecretBackupV1.microsoft.com");

/** What else than a key has backups. */
export type OtherKind = "secret" | "certificate";

interface WrappingKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Payload {
  readonly name: string;
  readonly managed: boolean;
  readonly versions: (Omit<KeyVersion, "privateKey"> & { readonly jwk: JsonWebKey })[];
}

interface OtherPayload {
  readonly kind: OtherKind;
  readonly name: string;
}

/** The keys that wrap backups, one for each geography, as in Azure: what one wrapped, another cannot open. */
export class BackupWrapping {
  readonly #keys = new Map<string, Promise<WrappingKey>>();

  /** The blob in base64url, never twice the same. */
  async seal(key: StoredKey, geography: string, leastBytesPerVersion: number): Promise<string> {
    const payload: Payload = {
      ...key,
      versions: key.versions.map(({ privateKey, ...version }) => ({
        ...version,
        jwk: privateKey.export({ format: "jwk" }),
      })),
    };
    return this.#seal(keyPrefix, payload, geography, leastBytesPerVersion * key.versions.length);
  }

  /** The blob of something that is no key. That of a certificate has the version of a key's, as Microsoft's recordings show. */
  sealOther(payload: OtherPayload, geography: string, leastBytes: number): Promise<string> {
    return this.#seal(payload.kind === "secret" ? secretPrefix : keyPrefix, payload, geography, leastBytes);
  }

  async open(blob: string, geography: string): Promise<StoredKey | "corrupt" | "undecryptable" | "notAKey"> {
    const bytes = Buffer.from(blob, "base64url");
    if (!bytes.subarray(0, keyPrefix.length).equals(keyPrefix)) return "corrupt";
    const own = await this.#key(geography);
    const jwe = bytes.subarray(keyPrefix.length).toString("ascii");
    const plaintext = decryptCompact(jwe, (kid) => (kid === own.kid ? own.privateKey : undefined));
    if (plaintext === undefined) return "undecryptable";
    const payload = JSON.parse(plaintext.toString("utf8")) as Payload | OtherPayload;
    if ("kind" in payload) return "notAKey";
    const { name, managed, versions } = payload;
    return {
      name,
      managed,
      versions: versions.map(({ jwk, ...version }) => ({ ...version, privateKey: privateKeyFromJwk(jwk) })),
    };
  }

  async #seal(prefix: Buffer, payload: Payload | OtherPayload, geography: string, leastBytes: number): Promise<string> {
    const { kid, publicKey } = await this.#key(geography);
    const plaintext = JSON.stringify(payload).padEnd(leastBytes);
    const jwe = encryptCompact(Buffer.from(plaintext), publicKey, kid);
    return Buffer.concat([prefix, Buffer.from(jwe, "ascii")]).toString("base64url");
  }

  #key(geography: string): Promise<WrappingKey> {
    const known = this.#keys.get(geography);
    if (known) return known;
    const made = generate("rsa", { modulusLength: 2048 }).then((pair) => ({ kid: randomUUID(), ...pair }));
    this.#keys.set(geography, made);
    return made;
  }
}

/** The version of a blob, as a .NET BinaryWriter writes a string: after a byte for its length. */
function prefixOf(blobVersion: string): Buffer {
  return Buffer.from(`${String.fromCharCode(blobVersion.length)}${blobVersion}`, "latin1");
}
