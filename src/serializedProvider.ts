import type * as pulumi from "@pulumi/pulumi";

// The text of these methods is what every state stores. It names the installed package and captures nothing, so that a
// state runs the release that is installed, and no release changes a state.
// The engine may call a method before `configure` has settled: it can rely only on what happens synchronously there.
// biome-ignore format: the line breaks would be stored in every state
export const serializedProvider: pulumi.dynamic.ResourceProvider & { config?: pulumi.dynamic.Config } = {
  async configure(req) { this.config = req.config; },
  async check(olds, news) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.check(olds, news, this.config); },
  async diff(id, olds, news) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.diff(id, olds, news, this.config); },
  async create(inputs) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.create(inputs, this.config); },
  async read(id, props) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.read(id, props, this.config); },
  async update(id, olds, news) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.update(id, olds, news, this.config); },
  async delete(id, props) { return (await import("pulumi-azure-keyvault-backup/provider")).keyBackup.delete(id, props, this.config); },
};
