import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import { installed } from "./installed";
import { PulumiProject } from "../../../engine/pulumiProject";

/** A project of a user whose identity is the local managed identity, with the switch that local vaults need. */
export function localProject(
  service: LocalKeyVault,
  files: Readonly<Record<string, string>>,
  { config = {}, env = {} }: { config?: Readonly<Record<string, string>>; env?: Readonly<Record<string, string>> } = {},
): Promise<PulumiProject> {
  return PulumiProject.create({
    ...installed(),
    files,
    env: { ...service.environment(), ...env },
    config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true", ...config },
  });
}
