import type * as pulumi from "@pulumi/pulumi";

type Providers = typeof import("pulumi-azure-keyvault-backup/provider");
type Method = (...args: unknown[]) => Promise<unknown>;

interface SerializedProvider extends Record<string, unknown> {
  /** The name under which the installed package exports the provider. */
  readonly resource: keyof Providers;
}

// Every state stores the text of one of these objects twice per resource: a name, and one method, which gives the object the
// others. The text names the installed package and captures nothing: a state runs the release that is installed, and no
// release changes a state. The engine does not wait for what is asynchronous in `configure` before it calls another method.
// biome-ignore-start format: the line breaks would be stored too
const methods = {
  async configure(this: SerializedProvider, { config }: pulumi.dynamic.ConfigureRequest) {
    for (const name of ["check", "diff", "create", "read", "update", "delete"] as const) {
      this[name] = async (...args: never[]) =>
        ((await import("pulumi-azure-keyvault-backup/provider"))[this.resource][name] as Method)(...args, config);
    }
  },
};
// biome-ignore-end format: the line breaks would be stored too

/** The provider of a resource, by the name under which the installed package exports it. */
export function serializedProvider(resource: keyof Providers): pulumi.dynamic.ResourceProvider {
  return { resource, ...methods } as unknown as pulumi.dynamic.ResourceProvider;
}
