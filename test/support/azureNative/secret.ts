import { autoName } from "./autoName";
import { namesIn, objectId } from "./azureId";
import { DEFAULT_LOCATION } from "./defaultLocation";
import { attributesAt, unixSeconds } from "./key";
import { type Properties, type ResourceType, UNKNOWN } from "./resourceType";
import type { ObjectAnswer, VaultControl } from "./vaultControl";

const MAXIMUM_NAME_LENGTH = 127;

// Azure never returns the value.
function propertiesOf(inputs: Properties): Properties {
  const { value: _, ...properties } = inputs.properties as Properties;
  return properties;
}

function liveOutputs({ name, uri, uriWithVersion }: ObjectAnswer, properties: Properties): Properties {
  return { name, properties: { ...properties, secretUri: uri, secretUriWithVersion: uriWithVersion } };
}

function outputsOf(inputs: Properties, answer: ObjectAnswer): Properties {
  const { attributes, ...properties } = propertiesOf(inputs);
  return {
    ...liveOutputs(answer, { ...properties, attributes: attributesAt(unixSeconds(), attributes) }),
    azureApiVersion: "2024-11-01",
    location: DEFAULT_LOCATION,
    tags: inputs.tags,
    type: "Microsoft.KeyVault/vaults/secrets",
  };
}

/** `azure.keyvault.Secret`, kept by the local Key Vault. */
export function secret(control: VaultControl): ResourceType {
  const put = (vault: string, name: string, { properties, tags }: Properties) => {
    const { value, contentType } = properties as Properties;
    return control.putObject("secrets", vault, name, { value, contentType, tags });
  };
  return {
    replaceOn: ["resourceGroupName", "vaultName", "secretName"],
    check: (inputs, previous, logicalName) => ({
      ...inputs,
      secretName: autoName("secretName", inputs, previous, logicalName, MAXIMUM_NAME_LENGTH),
    }),
    preview: (inputs) => ({
      name: UNKNOWN,
      properties: {
        ...propertiesOf(inputs),
        attributes: UNKNOWN,
        secretUri: UNKNOWN,
        secretUriWithVersion: UNKNOWN,
      },
      tags: inputs.tags,
    }),
    async create(inputs) {
      const { resourceGroupName, secretName, vaultName } = inputs;
      const answer = await put(String(vaultName), String(secretName), inputs);
      return {
        id: objectId("secrets", String(resourceGroupName), String(vaultName), answer.name),
        outputs: outputsOf(inputs, answer),
      };
    },
    async read(id, outputs) {
      const { vault, name } = namesIn("secrets", id);
      const answer = await control.getObject("secrets", vault, name);
      return answer && { ...outputs, ...liveOutputs(answer, outputs.properties as Properties) };
    },
    async update(id, inputs) {
      const { vault, name } = namesIn("secrets", id);
      await put(vault, name, inputs);
      await control.putTags("secrets", vault, name, inputs.tags ?? {});
      const answer = await control.getObject("secrets", vault, name);
      if (answer === undefined) {
        throw new Error(`The local Key Vault has no secret ${name} in vault ${vault}.`);
      }
      return outputsOf(inputs, answer);
    },
    async delete(id) {
      const { vault, name } = namesIn("secrets", id);
      await control.deleteObject("secrets", vault, name);
    },
  };
}
