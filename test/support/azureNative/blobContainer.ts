import { autoName } from "./autoName";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { StorageControl } from "./storageControl";
import { containerId, containerIn } from "./storageId";

const MAXIMUM_NAME_LENGTH = 63;

function outputsOf(inputs: Properties, name: unknown): Properties {
  const { accountName: _, containerName: __, resourceGroupName: ___, ...rest } = inputs;
  return {
    ...rest,
    azureApiVersion: "2024-01-01",
    name,
    type: "Microsoft.Storage/storageAccounts/blobServices/containers",
  };
}

/** `azure.storage.BlobContainer`, kept by Azurite. */
export function blobContainer(control: StorageControl): ResourceType {
  return {
    replaceOn: ["resourceGroupName", "accountName", "containerName"],
    check: (inputs, previous, logicalName) => ({
      ...inputs,
      containerName: autoName("containerName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
    }),
    preview: (inputs) => outputsOf(inputs, UNKNOWN),
    async create(inputs) {
      await control.createContainer(String(inputs.containerName));
      return { id: containerId(inputs), outputs: outputsOf(inputs, inputs.containerName) };
    },
    read: async (id, outputs) => ((await control.hasContainer(containerIn(id))) ? outputs : undefined),
    update: async (id, inputs) => outputsOf(inputs, containerIn(id)),
    delete: (id) => control.deleteContainer(containerIn(id)),
  };
}
