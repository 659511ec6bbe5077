import { clientConfig } from "./clientConfig";
import type { Collection } from "./vaultControl";

export function resourceGroupId(resourceGroup: string): string {
  return `/subscriptions/${clientConfig.subscriptionId}/resourceGroups/${resourceGroup}`;
}

export function vaultId(resourceGroup: string, vault: string): string {
  return `${resourceGroupId(resourceGroup)}/providers/Microsoft.KeyVault/vaults/${vault}`;
}

export function objectId(collection: Collection, resourceGroup: string, vault: string, name: string): string {
  return `${vaultId(resourceGroup, vault)}/${collection}/${name}`;
}

// Azure compares resource ids without regard to case.
const KEY_VAULT = /\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)(?:\/(keys|secrets)\/([^/]+))?$/i;

/** Name of the vault when the id is one of a vault. */
export function vaultOf(id: string): string | undefined {
  const match = KEY_VAULT.exec(id);
  return match?.[2] === undefined ? match?.[1] : undefined;
}

/** Names of the vault and of the key or secret in an id of that collection. */
export function namesIn(collection: Collection, id: string): { readonly vault: string; readonly name: string } {
  const [, vault, part, name] = KEY_VAULT.exec(id) ?? [];
  if (!vault || !name || part?.toLowerCase() !== collection) {
    throw new Error(`${id} is not the id of an object among the ${collection} of a vault.`);
  }
  return { vault, name };
}
