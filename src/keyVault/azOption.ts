import { isManagedHsm } from "./keyReference";

/** How commands of the Azure CLI name a vault or a Managed HSM. */
export function azOptionOf(vaultUri: string): string {
  return `${isManagedHsm(vaultUri) ? "--hsm-name" : "--vault-name"} ${new URL(vaultUri).hostname.split(".")[0]}`;
}
