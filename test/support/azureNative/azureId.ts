import { clientConfig } from "./clientConfig";

export function resourceGroupId(resourceGroup: string): string {
  return `/subscriptions/${clientConfig.subscriptionId}/resourceGroups/${resourceGroup}`;
}

export function vaultId(resourceGroup: string, vault: string): string {
  return `${resourceGroupId(resourceGroup)}/providers/Microsoft.KeyVault/vaults/${vault}`;
}

export function keyId(resourceGroup: string, vault: string, key: string): string {
  return `${vaultId(resourceGroup, vault)}/keys/${key}`;
}

// Azure compares resource ids without regard to case.
const KEY_VAULT = /\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)(?:\/keys\/([^/]+))?$/i;

/** Name of the vault when the id is one of a vault. */
export function vaultOf(id: string): string | undefined {
  const match = KEY_VAULT.exec(id);
  return match?.[2] === undefined ? match?.[1] : undefined;
}

/** Names of the vault and of the key when the id is one of a key. */
export function keyOf(id: string): { readonly vault: string; readonly key: string } | undefined {
  const [, vault, key] = KEY_VAULT.exec(id) ?? [];
  return vault && key ? { vault, key } : undefined;
}
