import { autoName } from "./autoName";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { StorageControl } from "./storageControl";
import { accountId } from "./storageId";

const MAXIMUM_NAME_LENGTH = 24;

function outputsOf(inputs: Properties, known: { name: unknown; primaryEndpoints: unknown }): Properties {
  const { accountName: _, resourceGroupName: __, ...rest } = inputs;
  return { ...rest, ...known, azureApiVersion: "2024-01-01", type: "Microsoft.Storage/storageAccounts" };
}

/** `azure.storage.StorageAccount`, whose blobs are in Azurite. */
export function storageAccount(control: StorageControl): ResourceType {
  const liveOutputs = (inputs: Properties) =>
    outputsOf(inputs, { name: inputs.accountName, primaryEndpoints: { blob: control.blobEndpoint } });
  return {
    replaceOn: ["resourceGroupName", "accountName", "location", "kind"],
    check: (inputs, previous, logicalName) => ({
      location: DEFAULT_LOCATION,
      ...inputs,
      accountName: autoName("accountName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
    }),
    preview: (inputs) => outputsOf(inputs, { name: UNKNOWN, primaryEndpoints: UNKNOWN }),
    async create(inputs) {
      return { id: accountId(inputs.resourceGroupName, inputs.accountName), outputs: liveOutputs(inputs) };
    },
    read: async (_id, outputs) => outputs,
    update: async (_id, inputs) => liveOutputs(inputs),
    delete: () => control.deleteContainers(),
  };
}
