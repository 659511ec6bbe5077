import * as pulumi from "@pulumi/pulumi";
import { RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";
import { serializedProvider } from "./serializedProvider";

const providerPackage = "pulumi-nodejs";

/**
 * The options of a resource, for its base class.
 *
 * @throws RunError if the program was bundled with this package inside, or passes the provider of another package.
 */
export function resourceOptions(
  resource: string,
  opts: pulumi.CustomResourceOptions | undefined,
  secretOutputs: readonly string[] = [],
): pulumi.CustomResourceOptions {
  requireExternalPackage(`${serializedProvider("keyBackup").configure}`);
  const foreign = packageOf(opts?.provider);
  if (foreign !== undefined && foreign !== providerPackage) {
    throw new pulumi.RunError(
      `A ${resource} cannot use a provider of ${foreign}. Remove the option provider, or pass a KeyVaultBackupProvider there.`,
    );
  }
  return pulumi.mergeOptions(opts, { additionalSecretOutputs: [...secretOutputs] });
}

/** The SDK leaves this method out of its types. */
function packageOf(provider: pulumi.ProviderResource | undefined): string | undefined {
  return (provider as { getPackage?(): string } | undefined)?.getPackage?.();
}

const packageName = /(["'`])pulumi-azure-keyvault-backup\/provider\1/;

/**
 * A bundler that includes the package rewrites the import, and Pulumi would try to store the whole package in the state.
 *
 * @param configure - The text of a serialized provider's method.
 * @throws RunError if the text does not import the installed package.
 */
export function requireExternalPackage(configure: string): void {
  if (!packageName.test(configure)) {
    throw new pulumi.RunError(
      "pulumi-azure-keyvault-backup must not be bundled into the program. Install it in the project and mark it as external, " +
        "for instance with esbuild --packages=external.",
    );
  }
}

/**
 * The SDK writes each answer of the engine, with secrets in clear, into a debug message, which `pulumi up --debug` and
 * `--json` print. This leaves only the URN of the resource in it.
 */
RegisterResourceResponse.prototype.toString = function (this: RegisterResourceResponse) {
  return `RegisterResourceResponse(${this.getUrn()})`;
};
