import { autoName } from "./autoName";
import { resourceGroupId } from "./azureId";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";

const MAXIMUM_NAME_LENGTH = 90;

function outputsOf(inputs: Properties, name: unknown, provisioningState: string): Properties {
  const { location, managedBy, tags } = inputs;
  return {
    azureApiVersion: "2024-03-01",
    location,
    managedBy,
    name,
    properties: { provisioningState },
    tags,
    type: "Microsoft.Resources/resourceGroups",
  };
}

/** `azure.resources.ResourceGroup`: a name and nothing behind it. */
export const resourceGroup: ResourceType = {
  replaceOn: ["resourceGroupName", "location"],
  check: (inputs, previous, logicalName) => ({
    location: DEFAULT_LOCATION,
    ...inputs,
    resourceGroupName: autoName("resourceGroupName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
  }),
  preview: (inputs) => outputsOf(inputs, UNKNOWN, UNKNOWN),
  async create(inputs) {
    const name = String(inputs.resourceGroupName);
    return { id: resourceGroupId(name), outputs: outputsOf(inputs, name, "Succeeded") };
  },
  read: async (_id, outputs) => outputs,
  update: async (_id, inputs) => outputsOf(inputs, inputs.resourceGroupName, "Succeeded"),
  async delete() {},
};
