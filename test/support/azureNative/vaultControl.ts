import type { Properties } from "./resourceType";

const ANSWER_WITHIN_MILLISECONDS = 10_000;

export interface VaultAnswer {
  readonly name: string;
  readonly vaultUri: string;
}

/** A key or a secret. */
export interface ObjectAnswer {
  readonly name: string;
  readonly uri: string;
  readonly uriWithVersion: string;
}

export type Collection = "keys" | "secrets";

/** What the stand-in has the local Key Vault do. */
export interface VaultControl {
  putVault(vault: string): Promise<VaultAnswer>;
  getVault(vault: string): Promise<VaultAnswer | undefined>;
  deleteVault(vault: string): Promise<void>;
  putObject(collection: Collection, vault: string, name: string, body: Properties): Promise<ObjectAnswer>;
  getObject(collection: Collection, vault: string, name: string): Promise<ObjectAnswer | undefined>;
  putTags(collection: Collection, vault: string, name: string, tags: unknown): Promise<void>;
  deleteObject(collection: Collection, vault: string, name: string): Promise<void>;
  putRole(vault: string, propagationMilliseconds: number): Promise<void>;
}

function isVaultAnswer(answer: unknown): answer is VaultAnswer {
  const { name, vaultUri } = (answer ?? {}) as Partial<Record<string, unknown>>;
  return typeof name === "string" && typeof vaultUri === "string";
}

function isObjectAnswer(answer: unknown): answer is ObjectAnswer {
  const { name, uri, uriWithVersion } = (answer ?? {}) as Partial<Record<string, unknown>>;
  return [name, uri, uriWithVersion].every((member) => typeof member === "string");
}

/** The control endpoint of the local Key Vault. */
export function vaultControl(baseUri: string | undefined): VaultControl {
  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    if (!baseUri) {
      throw new Error("Set LOCAL_VAULT_CONTROL_URI to the control endpoint of the local Key Vault.");
    }
    const response = await fetch(new URL(path, baseUri), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MILLISECONDS),
    });
    const text = await response.text();
    if (response.status === 404 && method !== "PUT") {
      return undefined;
    }
    if (!response.ok) {
      throw new Error(`The local Key Vault refused ${method} ${path}: ${response.status} ${text}`);
    }
    return text === "" ? undefined : JSON.parse(text);
  }

  function expectAnswer<T>(answer: unknown, isExpected: (answer: unknown) => answer is T, path: string): T {
    if (!isExpected(answer)) {
      throw new Error(`The local Key Vault answered ${path} with ${JSON.stringify(answer)}.`);
    }
    return answer;
  }

  const vaultPath = (vault: string) => `/vaults/${encodeURIComponent(vault)}`;
  const objectPath = (collection: Collection, vault: string, name: string) =>
    `${vaultPath(vault)}/${collection}/${encodeURIComponent(name)}`;

  return {
    async putVault(vault) {
      return expectAnswer(await send("PUT", vaultPath(vault), {}), isVaultAnswer, vaultPath(vault));
    },
    async getVault(vault) {
      const answer = await send("GET", vaultPath(vault));
      return answer === undefined ? undefined : expectAnswer(answer, isVaultAnswer, vaultPath(vault));
    },
    async deleteVault(vault) {
      await send("DELETE", vaultPath(vault));
    },
    async putObject(collection, vault, name, body) {
      const path = objectPath(collection, vault, name);
      return expectAnswer(await send("PUT", path, body), isObjectAnswer, path);
    },
    async getObject(collection, vault, name) {
      const path = objectPath(collection, vault, name);
      const answer = await send("GET", path);
      return answer === undefined ? undefined : expectAnswer(answer, isObjectAnswer, path);
    },
    async putTags(collection, vault, name, tags) {
      await send("PUT", `${objectPath(collection, vault, name)}/tags`, tags);
    },
    async deleteObject(collection, vault, name) {
      await send("DELETE", objectPath(collection, vault, name));
    },
    async putRole(vault, propagationMilliseconds) {
      await send("PUT", `${vaultPath(vault)}/role`, { propagationMilliseconds });
    },
  };
}
