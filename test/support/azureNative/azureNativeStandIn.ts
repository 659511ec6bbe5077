import { blobContainer } from "./blobContainer";
import { clientConfig } from "./clientConfig";
import { key } from "./key";
import { resourceGroup } from "./resourceGroup";
import type { Properties, ResourceType } from "./resourceType";
import { roleAssignment } from "./roleAssignment";
import { roleDefinition } from "./roleDefinition";
import { secret } from "./secret";
import { storageAccount } from "./storageAccount";
import { storageControl } from "./storageControl";
import { blobServiceProperties, immutabilityPolicy, managementPolicy } from "./storageSettings";
import { vault } from "./vault";
import { vaultControl } from "./vaultControl";

/** The few resources and functions of azure-native that have a stand-in, by their tokens. */
export interface AzureNativeStandIn {
  resourceType(token: string): ResourceType;
  invoke(token: string): Properties;
}

function milliseconds(text: string | undefined): number | undefined {
  return text ? Number(text) : undefined;
}

export function azureNativeStandIn(env: NodeJS.ProcessEnv): AzureNativeStandIn {
  const control = vaultControl(env.LOCAL_VAULT_CONTROL_URI);
  const storage = storageControl(env.LOCAL_STORAGE_URI);
  const resourceTypes = new Map<string, ResourceType>([
    [
      "azure-native:authorization:RoleAssignment",
      roleAssignment(control, milliseconds(env.STANDIN_ROLE_PROPAGATION_MS)),
    ],
    ["azure-native:authorization:RoleDefinition", roleDefinition],
    ["azure-native:keyvault:Key", key(control)],
    ["azure-native:keyvault:Secret", secret(control)],
    ["azure-native:keyvault:Vault", vault(control)],
    ["azure-native:resources:ResourceGroup", resourceGroup],
    ["azure-native:storage:BlobContainer", blobContainer(storage)],
    ["azure-native:storage:BlobContainerImmutabilityPolicy", immutabilityPolicy],
    ["azure-native:storage:BlobServiceProperties", blobServiceProperties],
    ["azure-native:storage:ManagementPolicy", managementPolicy],
    ["azure-native:storage:StorageAccount", storageAccount(storage)],
  ]);
  return {
    resourceType(token) {
      const found = resourceTypes.get(token);
      if (found === undefined) {
        throw new Error(`The stand-in for azure-native has no ${token}.`);
      }
      return found;
    },
    invoke(token) {
      if (token !== "azure-native:authorization:getClientConfig") {
        throw new Error(`The stand-in for azure-native has no ${token}.`);
      }
      return clientConfig;
    },
  };
}
