import type * as pulumi from "@pulumi/pulumi";

// Every state stores the text of one of these objects twice per resource: one method, which gives the object the others. The
// text names the installed package and captures nothing: a state runs the release that is installed, and no release changes
// a state. The engine does not wait for what is asynchronous in `configure` before it calls another method.
// biome-ignore-start format: the line breaks would be stored too
const keyBackup = {
  async configure(this: Record<string, unknown>, { config }: pulumi.dynamic.ConfigureRequest) {
    for (const name of ["check", "diff", "create", "read", "update", "delete"] as const) {
      this[name] = async (...args: never[]) =>
        ((await import("pulumi-azure-keyvault-backup/provider")).keyBackup[name] as Method)(...args, config);
    }
  },
};

const keyRestore = {
  async configure(this: Record<string, unknown>, { config }: pulumi.dynamic.ConfigureRequest) {
    for (const name of ["check", "diff", "create", "read", "update", "delete"] as const) {
      this[name] = async (...args: never[]) =>
        ((await import("pulumi-azure-keyvault-backup/provider")).keyRestore[name] as Method)(...args, config);
    }
  },
};

const restoreDrill = {
  async configure(this: Record<string, unknown>, { config }: pulumi.dynamic.ConfigureRequest) {
    for (const name of ["check", "diff", "create", "read", "update", "delete"] as const) {
      this[name] = async (...args: never[]) =>
        ((await import("pulumi-azure-keyvault-backup/provider")).restoreDrill[name] as Method)(...args, config);
    }
  },
};
// biome-ignore-end format: the line breaks would be stored too

type Method = (...args: unknown[]) => Promise<unknown>;

/** The provider of each resource, by its name. */
export const serializedProviders = { keyBackup, keyRestore, restoreDrill } as unknown as Readonly<
  Record<"keyBackup" | "keyRestore" | "restoreDrill", pulumi.dynamic.ResourceProvider>
>;
