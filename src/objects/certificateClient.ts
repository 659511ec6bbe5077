import type { TokenCredential } from "@azure/core-auth";
import { CertificateClient, type DeletedCertificate } from "@azure/keyvault-certificates";
import type { ClientOptions, DeletedObject, ObjectClient } from "./objectKind";
import { allOf, deletedOf, isPurgeableBy, lowerCase, valueIn, versionOf } from "./sdkProperties";

/** One version of a certificate. */
export interface PublicCertificate {
  /** DER. */
  readonly certificate: Uint8Array | undefined;
  /** The version of its key. */
  readonly keyVersion: string;
}

/** What can be asked of a certificate, beside what every object can be asked. */
export interface CertificateObjectClient extends ObjectClient {
  getCertificate(name: string, version: string, signal: AbortSignal): Promise<PublicCertificate>;
}

export function connectCertificates(
  vaultUri: string,
  credential: TokenCredential,
  options: ClientOptions,
): CertificateObjectClient {
  const client = new CertificateClient(vaultUri, credential, options);
  return {
    listVersions: (name, abortSignal) =>
      allOf(client.listPropertiesOfCertificateVersions(name, { abortSignal }), (properties) => ({
        ...versionOf(properties),
        thumbprint: properties.x509Thumbprint && Buffer.from(properties.x509Thumbprint).toString("base64url"),
      })),
    async getCertificate(name, version, abortSignal) {
      const { cer, keyId = "" } = await client.getCertificateVersion(name, version, { abortSignal });
      return { certificate: cer, keyVersion: lowerCase(keyId.split("/").at(-1)) };
    },
    async isPurgeable(name, abortSignal) {
      return isPurgeableBy((await client.getCertificate(name, { abortSignal })).properties.recoveryLevel);
    },
    async backUp(name, abortSignal) {
      let body: string | null | undefined;
      await client.backupCertificate(name, { abortSignal, onResponse: ({ bodyAsText }) => (body = bodyAsText) });
      return valueIn(body);
    },
    async restore(blob, abortSignal) {
      const { name, properties } = await client.restoreCertificateBackup(blob, { abortSignal });
      return { name, version: lowerCase(properties.version) };
    },
    async getDeleted(name, abortSignal) {
      return deletedCertificateOf(await client.getDeletedCertificate(name, { abortSignal }));
    },
    async delete(name, intervalInMs, abortSignal) {
      const deletion = await client.beginDeleteCertificate(name, { abortSignal, intervalInMs });
      return deletedCertificateOf(await deletion.pollUntilDone({ abortSignal }));
    },
    async purge(name, abortSignal) {
      await client.purgeDeletedCertificate(name, { abortSignal });
    },
    async setTags(name, version, tags, abortSignal) {
      await client.updateCertificateProperties(name, version, { tags: { ...tags }, abortSignal });
    },
  };
}

function deletedCertificateOf({ properties, scheduledPurgeDate }: DeletedCertificate): DeletedObject {
  return deletedOf({ ...properties, ...(scheduledPurgeDate === undefined ? {} : { scheduledPurgeDate }) });
}
