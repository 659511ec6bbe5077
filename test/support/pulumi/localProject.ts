import { PulumiProject } from "../../../engine/pulumiProject";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import { installed } from "./installed";

interface LocalProjectOptions {
  readonly config?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly plugins?: readonly string[];
}

/** A project of a user whose identity is the local managed identity, with the switch that local vaults need. */
export function localProject(
  service: LocalKeyVault,
  files: Readonly<Record<string, string>>,
  { config = {}, env = {}, plugins = [] }: LocalProjectOptions = {},
): Promise<PulumiProject> {
  return PulumiProject.create({
    ...installed(),
    files,
    plugins,
    env: { ...service.environment(), ...env },
    config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true", ...config },
  });
}
