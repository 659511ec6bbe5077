import type { VaultConnection } from "./vaultConnection";

/** Puts these tags in the place of all tags of the version. */
export function tagKey(
  connection: VaultConnection,
  keyName: string,
  version: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  return connection.carryOut({ operation: "update", keyName }, async ({ client, signal }) => {
    await client.updateKeyProperties(keyName, version, { tags: { ...tags }, abortSignal: signal });
  });
}
