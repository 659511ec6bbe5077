import { autoName } from "./autoName";
import { namesIn, objectId } from "./azureId";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { ObjectAnswer, VaultControl } from "./vaultControl";

const MAXIMUM_NAME_LENGTH = 127;
const COMPUTED = ["attributes", "keyOps", "keyUri", "keyUriWithVersion", "kty", "location", "name", "type"] as const;

export function attributesAt(created: number, attributes: unknown): Properties {
  return {
    enabled: true,
    ...(attributes as Properties | undefined),
    created,
    updated: created,
    recoveryLevel: "Purgeable",
  };
}

function liveOutputs({ name, uri, uriWithVersion }: ObjectAnswer): Properties {
  return { keyUri: uri, keyUriWithVersion: uriWithVersion, name, type: "Microsoft.KeyVault/vaults/keys" };
}

function keyTypeOf(inputs: Properties): string {
  const { kty } = inputs.properties as Properties;
  return typeof kty === "string" ? kty : "RSA";
}

function operationsOf(keyType: string): string[] {
  return keyType.startsWith("EC")
    ? ["sign", "verify"]
    : ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];
}

function outputsOf(inputs: Properties, answer: ObjectAnswer, created: number): Properties {
  const { attributes, curveName, keyOps, keySize, releasePolicy, rotationPolicy } = inputs.properties as Properties;
  return {
    ...liveOutputs(answer),
    attributes: attributesAt(created, attributes),
    azureApiVersion: "2024-11-01",
    curveName,
    keyOps: keyOps ?? operationsOf(keyTypeOf(inputs)),
    keySize,
    kty: keyTypeOf(inputs),
    location: DEFAULT_LOCATION,
    releasePolicy,
    rotationPolicy,
    tags: inputs.tags,
  };
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** `azure.keyvault.Key`, kept by the local Key Vault. */
export function key(control: VaultControl): ResourceType {
  return {
    replaceOn: [
      "resourceGroupName",
      "vaultName",
      "keyName",
      "properties.kty",
      "properties.keySize",
      "properties.curveName",
    ],
    check: (inputs, previous, logicalName) => ({
      ...inputs,
      keyName: autoName("keyName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
    }),
    preview: (inputs) => ({
      tags: inputs.tags,
      ...Object.fromEntries(COMPUTED.map((output) => [output, UNKNOWN])),
    }),
    async create(inputs) {
      const { keyName, resourceGroupName, tags, vaultName } = inputs;
      const answer = await control.putObject("keys", String(vaultName), String(keyName), {
        kty: keyTypeOf(inputs),
        tags,
      });
      return {
        id: objectId("keys", String(resourceGroupName), String(vaultName), answer.name),
        outputs: outputsOf(inputs, answer, unixSeconds()),
      };
    },
    async read(id, outputs) {
      const names = namesIn("keys", id);
      const answer = await control.getObject("keys", names.vault, names.name);
      return answer && { ...outputs, ...liveOutputs(answer) };
    },
    async update(id, inputs) {
      const names = namesIn("keys", id);
      await control.putTags("keys", names.vault, names.name, inputs.tags ?? {});
      const answer = await control.getObject("keys", names.vault, names.name);
      if (answer === undefined) {
        throw new Error(`The local Key Vault has no key ${names.name} in vault ${names.vault}.`);
      }
      return outputsOf(inputs, answer, unixSeconds());
    },
    async delete(id) {
      const names = namesIn("keys", id);
      await control.deleteObject("keys", names.vault, names.name);
    },
  };
}
