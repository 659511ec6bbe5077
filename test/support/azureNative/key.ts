import { autoName } from "./autoName";
import { keyId, keyOf } from "./azureId";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { KeyAnswer, VaultControl } from "./vaultControl";

const MAXIMUM_NAME_LENGTH = 127;
const COMPUTED = ["attributes", "keyOps", "keyUri", "keyUriWithVersion", "kty", "location", "name", "type"] as const;

function attributesAt(created: number, attributes: unknown): Properties {
  return {
    enabled: true,
    ...(attributes as Properties | undefined),
    created,
    updated: created,
    recoveryLevel: "Purgeable",
  };
}

function liveOutputs({ keyName, keyUri, keyUriWithVersion }: KeyAnswer): Properties {
  return { keyUri, keyUriWithVersion, name: keyName, type: "Microsoft.KeyVault/vaults/keys" };
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

function outputsOf(inputs: Properties, answer: KeyAnswer, created: number): Properties {
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

function namesIn(id: string): { readonly vault: string; readonly key: string } {
  const names = keyOf(id);
  if (names === undefined) {
    throw new Error(`${id} is not the id of a key.`);
  }
  return names;
}

function unixSeconds(): number {
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
      const answer = await control.putKey(String(vaultName), String(keyName), { kty: keyTypeOf(inputs), tags });
      return {
        id: keyId(String(resourceGroupName), String(vaultName), answer.keyName),
        outputs: outputsOf(inputs, answer, unixSeconds()),
      };
    },
    async read(id, outputs) {
      const names = namesIn(id);
      const answer = await control.getKey(names.vault, names.key);
      return answer && { ...outputs, ...liveOutputs(answer) };
    },
    async update(id, inputs) {
      const names = namesIn(id);
      await control.putTags(names.vault, names.key, inputs.tags ?? {});
      const answer = await control.getKey(names.vault, names.key);
      if (answer === undefined) {
        throw new Error(`The local Key Vault has no key ${names.key} in vault ${names.vault}.`);
      }
      return outputsOf(inputs, answer, unixSeconds());
    },
    async delete(id) {
      const names = namesIn(id);
      await control.deleteKey(names.vault, names.key);
    },
  };
}
