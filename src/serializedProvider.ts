import type * as pulumi from "@pulumi/pulumi";

// Every state stores the text of this object twice per resource: it is one method, which gives the object the others.
// It names the installed package and captures nothing, so that a state runs the release that is installed, and no release
// changes a state. The engine calls `configure` first, but does not wait for what is asynchronous in it before it calls
// another method.
const provider = {
  // biome-ignore format: the line breaks would be stored too
  async configure(this: Record<string, unknown>, { config }: pulumi.dynamic.ConfigureRequest) {
    for (const name of ["check", "diff", "create", "read", "update", "delete"] as const) {
      this[name] = async (...args: never[]) => ((await import("pulumi-azure-keyvault-backup/provider")).keyBackup[name] as Method)(...args, config);
    }
  },
};

type Method = (...args: unknown[]) => Promise<unknown>;

export const serializedProvider = provider as unknown as pulumi.dynamic.ResourceProvider;
