import { randomUUID } from "node:crypto";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";

function outputsOf(inputs: Properties, name: unknown): Properties {
  const { roleDefinitionId: _, scope: __, ...rest } = inputs;
  return { ...rest, azureApiVersion: "2022-05-01-preview", name, type: "Microsoft.Authorization/roleDefinitions" };
}

/** `azure.authorization.RoleDefinition`: an id and nothing behind it. */
export const roleDefinition: ResourceType = {
  replaceOn: ["roleDefinitionId", "scope"],
  check: (inputs, previous) => ({
    ...inputs,
    roleDefinitionId: inputs.roleDefinitionId ?? previous.roleDefinitionId ?? randomUUID(),
  }),
  preview: (inputs) => outputsOf(inputs, UNKNOWN),
  async create(inputs) {
    const { roleDefinitionId, scope } = inputs;
    return {
      id: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitionId}`,
      outputs: outputsOf(inputs, roleDefinitionId),
    };
  },
  read: async (_id, outputs) => outputs,
  update: async (_id, inputs) => outputsOf(inputs, inputs.roleDefinitionId),
  async delete() {},
};
