import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import { accountId, blobServiceId, containerId } from "./storageId";

interface Setting {
  /** The input with the name, which must be `default`. */
  readonly nameInput: string;
  /** What the setting belongs to, by the inputs that name it. */
  readonly parents: readonly string[];
  idOf(inputs: Properties): string;
  readonly computed?: Properties;
  delete?(): Promise<void>;
}

/** A setting of a storage account: an id and nothing behind it. */
function setting({ nameInput, parents, idOf, computed = {}, delete: remove = async () => {} }: Setting): ResourceType {
  const outputsOf = (inputs: Properties, known: Properties): Properties => ({
    ...Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== nameInput && !parents.includes(name))),
    azureApiVersion: "2024-01-01",
    ...known,
  });
  const known = { ...computed, name: "default" };
  const unknown = Object.fromEntries(Object.keys(known).map((output) => [output, UNKNOWN]));
  return {
    replaceOn: [nameInput, ...parents],
    check: (inputs) => {
      // azure-native would send any other name, and Azure would not know it.
      if (inputs[nameInput] !== "default") {
        throw new Error(`${nameInput} must be "default", not ${inputs[nameInput]}.`);
      }
      return inputs;
    },
    preview: (inputs) => outputsOf(inputs, unknown),
    create: async (inputs) => ({ id: idOf(inputs), outputs: outputsOf(inputs, known) }),
    read: async (_id, outputs) => outputs,
    update: async (_id, inputs) => outputsOf(inputs, known),
    delete: remove,
  };
}

const account = ["resourceGroupName", "accountName"];

/** `azure.storage.BlobServiceProperties` */
export const blobServiceProperties = setting({ nameInput: "blobServicesName", parents: account, idOf: blobServiceId });

/** `azure.storage.BlobContainerImmutabilityPolicy`, which Azurite does not enforce. */
export const immutabilityPolicy = setting({
  nameInput: "immutabilityPolicyName",
  parents: [...account, "containerName"],
  idOf: (inputs) => `${containerId(inputs)}/immutabilityPolicies/default`,
  computed: { etag: '"8d7b4bb4d393b8c"', state: "Unlocked" },
  // https://github.com/pulumi/pulumi-azure-native/issues/2156
  delete: async () => {
    throw new Error("Operation not allowed on immutability policy with incorrect etag.");
  },
});

/** `azure.storage.ManagementPolicy` */
export const managementPolicy = setting({
  nameInput: "managementPolicyName",
  parents: account,
  idOf: ({ resourceGroupName, accountName }) =>
    `${accountId(resourceGroupName, accountName)}/managementPolicies/default`,
});
