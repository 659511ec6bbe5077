import { resourceGroupId } from "./azureId";
import type { Properties } from "./resourceType";

export function accountId(resourceGroup: unknown, account: unknown): string {
  return `${resourceGroupId(String(resourceGroup))}/providers/Microsoft.Storage/storageAccounts/${account}`;
}

export function blobServiceId({ resourceGroupName, accountName }: Properties): string {
  return `${accountId(resourceGroupName, accountName)}/blobServices/default`;
}

export function containerId(inputs: Properties): string {
  return `${blobServiceId(inputs)}/containers/${inputs.containerName}`;
}

/** Name of the container in its id. */
export function containerIn(id: string): string {
  const [, name] = /\/blobServices\/default\/containers\/([^/]+)$/i.exec(id) ?? [];
  if (name === undefined) {
    throw new Error(`${id} is not the id of a container.`);
  }
  return name;
}
