import { isPrivateLinkName } from "../keyVault/keyReference";

const advice =
  "has the name of a private link. Use the vault's public name, https://{vault}.vault.azure.net, which leads to the " +
  "private endpoint too where there is one: the service vouches for no other. To use this name all the same: " +
  "pulumi config set azure-keyvault-backup:disableChallengeResourceVerification true";

/** One sentence where a vault is given by the name that only its private endpoint answers to. */
export function privateLinkMistakes(input: string, vaultUri: string): string[] {
  return isPrivateLinkName(vaultUri) ? [`${input} ${advice}.`] : [];
}
