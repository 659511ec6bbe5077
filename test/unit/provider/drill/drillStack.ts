import { expect } from "@jest/globals";
import type { LocalVault } from "../../../../localVault/localVault";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import type { ObjectOperation } from "../../../../src/objects/permissions";
import { drillTag } from "../../../../src/provider/engine/drillTag";
import type { TestStack } from "../../../support/provider/testStack";

/** What changes the scratch vault in a drill that leaves nothing. */
export const once = ["restore", "update", "delete", "purge"];

export const record = { onFailure: "record" } as const;

/** What a drill records of a version that passed every check. */
export function passed({ noun, checks }: ObjectKind): Record<string, unknown> {
  const facts = { key: {}, secret: { valueCompared: "yes" }, certificate: { expiresAt: expect.any(String) } }[noun];
  return { versionId: "passed", ...resultsOf(checks, "passed"), ...facts };
}

/** What a drill records of a version of which no check was run. */
export function notRun({ checks }: ObjectKind): Record<string, unknown> {
  return resultsOf(checks, expect.stringMatching(/^not run: /));
}

function resultsOf(checks: readonly string[], result: unknown): Record<string, unknown> {
  return Object.fromEntries(checks.map((check) => [check, result]));
}

/** Whether the vault has nothing of the name: no key, secret or certificate, in use or soft-deleted. */
export function isEmpty({ keys, secrets, certificates }: LocalVault, name = "orders"): boolean {
  return [keys, secrets, certificates].every((objects) => !objects.has(name) && !objects.isDeleted(name));
}

/** Takes the permissions in the scratch vault away. */
export function forbid({ kind, copies }: TestStack, ...operations: readonly ObjectOperation[]): void {
  for (const operation of operations) copies.permissions.delete(kind.permissions[operation].accessPolicy);
}

/** Gives the permissions in the scratch vault back. */
export function permit({ kind, copies }: TestStack, ...operations: readonly ObjectOperation[]): void {
  for (const operation of operations) copies.permissions.add(kind.permissions[operation].accessPolicy);
}

/** Purges the object in the scratch vault and creates another one of the same name. Returns its version. */
export async function createAnew({ copies }: TestStack): Promise<string> {
  if (!copies.isDeleted("orders")) copies.delete("orders");
  copies.purge("orders");
  return (await copies.create("orders")).version;
}

/** Tags the object in the scratch vault as the copy of a drill of the stack. */
export function tagAsCopy({ copies, target }: TestStack, stackName = "dev"): void {
  copies.update("orders", undefined, { tags: drillTag(target.vaultUri, `organization/project/${stackName}/orders`) });
}

/** URI of the copy, without a version. */
export function copyUri({ kind, target }: TestStack, name = "orders"): string {
  return `${target.vaultUri}${kind.collection}/${name}`;
}

/** The command of the Azure CLI that removes a copy. */
export function command({ kind }: TestStack, action: "delete" | "purge"): string {
  return `az keyvault ${kind.noun} ${action} --vault-name localhost --name orders`;
}
