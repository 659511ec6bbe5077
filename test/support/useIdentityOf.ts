import type { LocalKeyVault } from "../../localVault/localKeyVault";

/**
 * Makes this process the local managed identity, and nobody else: no variable and no command of the machine that runs the
 * tests may decide who they are, and without an identity endpoint the SDK probes the cloud's metadata address.
 */
export function useIdentityOf({ identity }: LocalKeyVault): void {
  for (const name of Object.keys(process.env)) {
    if (/^(AZURE_|ARM_|ACTIONS_|IDENTITY_|MSI_)/.test(name)) {
      delete process.env[name];
    }
  }
  process.env.IDENTITY_ENDPOINT = identity.endpoint;
  process.env.IDENTITY_HEADER = identity.header;
}
