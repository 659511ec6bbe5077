import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { PulumiProject } from "../../../engine/pulumiProject";
import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import { installed } from "./installed";

const examples = path.resolve(__dirname, "../../../example");
const standIn = path.resolve(__dirname, "../azureNative");

interface ExampleOptions {
  readonly rolePropagationMilliseconds?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** One of the examples as it stands, with a stand-in for azure-native's plugin that keeps vaults and keys in the local service. */
export async function exampleProject(
  service: LocalKeyVault,
  example: string,
  { rolePropagationMilliseconds = 0, config = {} }: ExampleOptions = {},
): Promise<PulumiProject> {
  const folder = path.join(examples, example);
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const project = await PulumiProject.create({
    ...installed(),
    plugins: [standIn],
    files: Object.fromEntries(files.map(({ name }) => [name, readFileSync(path.join(folder, name), "utf8")])),
    env: {
      ...service.environment(),
      // A unit test checks the types; the engine would check azure-native's at each command.
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      LOCAL_VAULT_CONTROL_URI: service.controlUri,
      STANDIN_ROLE_PROPAGATION_MS: `${rolePropagationMilliseconds}`,
    },
    config: { "azure-keyvault-backup:disableChallengeResourceVerification": "true", ...config },
  });
  await project.configure({ password: `secret-value-${randomUUID()}` }, true);
  return project;
}
