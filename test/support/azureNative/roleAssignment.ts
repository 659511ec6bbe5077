import { randomUUID } from "node:crypto";
import { vaultOf } from "./azureId";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { VaultControl } from "./vaultControl";

function outputsOf(inputs: Properties, name: unknown): Properties {
  const { roleAssignmentName: _, ...rest } = inputs;
  return { ...rest, azureApiVersion: "2022-04-01", name, type: "Microsoft.Authorization/roleAssignments" };
}

/** `azure.authorization.RoleAssignment`; on a vault it starts the time that Azure takes to apply it. */
export function roleAssignment(control: VaultControl, propagationMilliseconds: number | undefined): ResourceType {
  return {
    replaceOn: ["principalId", "principalType", "roleAssignmentName", "roleDefinitionId", "scope"],
    check: (inputs, previous) => ({
      ...inputs,
      roleAssignmentName: inputs.roleAssignmentName ?? previous.roleAssignmentName ?? randomUUID(),
    }),
    preview: (inputs) => outputsOf(inputs, UNKNOWN),
    async create(inputs) {
      const { roleAssignmentName, scope } = inputs;
      const vault = vaultOf(String(scope));
      if (vault !== undefined && propagationMilliseconds !== undefined) {
        await control.putRole(vault, propagationMilliseconds);
      }
      return {
        id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${roleAssignmentName}`,
        outputs: outputsOf(inputs, roleAssignmentName),
      };
    },
    read: async (_id, outputs) => outputs,
    update: async (_id, inputs, outputs) => outputsOf(inputs, outputs.name),
    async delete() {},
  };
}
