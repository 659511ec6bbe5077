import { autoName } from "./autoName";
import { vaultId, vaultOf } from "./azureId";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { VaultControl } from "./vaultControl";

const MAXIMUM_NAME_LENGTH = 24;

function outputsOf(
  inputs: Properties,
  known: { name: unknown; vaultUri: string; provisioningState: string },
): Properties {
  const { location, properties, tags } = inputs;
  const { name, vaultUri, provisioningState } = known;
  return {
    azureApiVersion: "2024-11-01",
    location,
    name,
    properties: { ...(properties as Properties), privateEndpointConnections: [], provisioningState, vaultUri },
    tags,
    type: "Microsoft.KeyVault/vaults",
  };
}

function nameIn(id: string): string {
  const name = vaultOf(id);
  if (name === undefined) {
    throw new Error(`${id} is not the id of a vault.`);
  }
  return name;
}

/** `azure.keyvault.Vault`, kept by the local Key Vault. */
export function vault(control: VaultControl): ResourceType {
  return {
    replaceOn: ["resourceGroupName", "vaultName", "location", "properties.tenantId"],
    check: (inputs, previous, logicalName) => ({
      location: DEFAULT_LOCATION,
      ...inputs,
      vaultName: autoName("vaultName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
    }),
    preview: (inputs) => outputsOf(inputs, { name: UNKNOWN, vaultUri: UNKNOWN, provisioningState: UNKNOWN }),
    async create(inputs) {
      const answer = await control.putVault(String(inputs.vaultName));
      return {
        id: vaultId(String(inputs.resourceGroupName), answer.name),
        outputs: outputsOf(inputs, { ...answer, provisioningState: "Succeeded" }),
      };
    },
    async read(id, outputs) {
      const answer = await control.getVault(nameIn(id));
      return answer && { ...outputs, ...outputsOf(outputs, { ...answer, provisioningState: "Succeeded" }) };
    },
    async update(id, inputs) {
      const answer = await control.putVault(nameIn(id));
      return outputsOf(inputs, { ...answer, provisioningState: "Succeeded" });
    },
    delete: (id) => control.deleteVault(nameIn(id)),
  };
}
