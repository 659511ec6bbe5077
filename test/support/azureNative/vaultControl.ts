const ANSWER_WITHIN_MILLISECONDS = 10_000;

export interface VaultAnswer {
  readonly name: string;
  readonly vaultUri: string;
}

export interface KeyAnswer {
  readonly keyName: string;
  readonly keyUri: string;
  readonly keyUriWithVersion: string;
}

/** What the stand-in has the local Key Vault do. */
export interface VaultControl {
  putVault(vault: string): Promise<VaultAnswer>;
  getVault(vault: string): Promise<VaultAnswer | undefined>;
  deleteVault(vault: string): Promise<void>;
  putKey(vault: string, key: string, body: { kty?: unknown; tags?: unknown }): Promise<KeyAnswer>;
  getKey(vault: string, key: string): Promise<KeyAnswer | undefined>;
  putTags(vault: string, key: string, tags: unknown): Promise<void>;
  deleteKey(vault: string, key: string): Promise<void>;
  putRole(vault: string, propagationMilliseconds: number): Promise<void>;
}

function isVaultAnswer(answer: unknown): answer is VaultAnswer {
  const { name, vaultUri } = (answer ?? {}) as Partial<Record<string, unknown>>;
  return typeof name === "string" && typeof vaultUri === "string";
}

function isKeyAnswer(answer: unknown): answer is KeyAnswer {
  const { keyName, keyUri, keyUriWithVersion } = (answer ?? {}) as Partial<Record<string, unknown>>;
  return [keyName, keyUri, keyUriWithVersion].every((member) => typeof member === "string");
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
  const keyPath = (vault: string, key: string) => `${vaultPath(vault)}/keys/${encodeURIComponent(key)}`;

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
    async putKey(vault, key, body) {
      return expectAnswer(await send("PUT", keyPath(vault, key), body), isKeyAnswer, keyPath(vault, key));
    },
    async getKey(vault, key) {
      const answer = await send("GET", keyPath(vault, key));
      return answer === undefined ? undefined : expectAnswer(answer, isKeyAnswer, keyPath(vault, key));
    },
    async putTags(vault, key, tags) {
      await send("PUT", `${keyPath(vault, key)}/tags`, tags);
    },
    async deleteKey(vault, key) {
      await send("DELETE", keyPath(vault, key));
    },
    async putRole(vault, propagationMilliseconds) {
      await send("PUT", `${vaultPath(vault)}/role`, { propagationMilliseconds });
    },
  };
}
