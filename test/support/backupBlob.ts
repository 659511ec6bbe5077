import { generateKeyPair, type JsonWebKey, type KeyObject, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { decryptCompact, encryptCompact } from "./compactJwe";
import { privateKeyFromJwk } from "./keyMaterial";
import type { KeyVersion, StoredKey } from "./keyStore";

const generate = promisify(generateKeyPair);
const blobVersion = "AzureKeyVaultKeyBackupV1.microsoft.com";
const prefix = Buffer.from(`${String.fromCharCode(blobVersion.length)}${blobVersion}`, "latin1");

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

/** The keys that wrap backups, one for each geography, as in Azure: what one wrapped, another cannot open. */
export class BackupWrapping {
  readonly #keys = new Map<string, Promise<WrappingKey>>();

  /** The blob in base64url, never twice the same. */
  async seal(key: StoredKey, geography: string, leastBytesPerVersion: number): Promise<string> {
    const { kid, publicKey } = await this.#key(geography);
    const payload: Payload = {
      ...key,
      versions: key.versions.map(({ privateKey, ...version }) => ({
        ...version,
        jwk: privateKey.export({ format: "jwk" }),
      })),
    };
    const plaintext = JSON.stringify(payload).padEnd(leastBytesPerVersion * key.versions.length);
    const jwe = encryptCompact(Buffer.from(plaintext), publicKey, kid);
    return Buffer.concat([prefix, Buffer.from(jwe, "ascii")]).toString("base64url");
  }

  async open(blob: string, geography: string): Promise<StoredKey | "corrupt" | "undecryptable"> {
    const bytes = Buffer.from(blob, "base64url");
    if (!bytes.subarray(0, prefix.length).equals(prefix)) return "corrupt";
    const own = await this.#key(geography);
    const jwe = bytes.subarray(prefix.length).toString("ascii");
    const plaintext = decryptCompact(jwe, (kid) => (kid === own.kid ? own.privateKey : undefined));
    if (plaintext === undefined) return "undecryptable";
    const { name, managed, versions } = JSON.parse(plaintext.toString("utf8")) as Payload;
    return {
      name,
      managed,
      versions: versions.map(({ jwk, ...version }) => ({ ...version, privateKey: privateKeyFromJwk(jwk) })),
    };
  }

  #key(geography: string): Promise<WrappingKey> {
    const known = this.#keys.get(geography);
    if (known) return known;
    const made = generate("rsa", { modulusLength: 2048 }).then((pair) => ({ kid: randomUUID(), ...pair }));
    this.#keys.set(geography, made);
    return made;
  }
}
