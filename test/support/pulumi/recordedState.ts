import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";

/** The application of the explicit provider in recorded programs. */
const application = {
  tenantId: "6f0b6c1e-3a55-4e0c-9a0e-0d8f1f0a7b11",
  clientId: "0c4c1b1d-62c0-4a0f-8f5a-5a2d6f3f9b22",
  secret: "the-secret-of-a-recorded-application",
} as const;

/** Local vaults in the place of those that recorded programs and states name. */
export interface RecordedVaults {
  readonly service: LocalKeyVault;
  /** The vault of the backed-up key, in the application's tenant. */
  readonly source: LocalVault;
  readonly clientSecret: string;
  readonly env: Readonly<Record<string, string>>;
  /** A recorded text with the hosts of the local vaults. */
  fromRecording(text: string): string;
  /** A text without the hosts of the local vaults, to record it. */
  toRecording(text: string): string;
}

export async function startRecordedVaults(): Promise<RecordedVaults> {
  const service = await LocalKeyVault.start();
  service.identity.registerClient(application);
  const source = await service.createVault("kv-recorded", { tenantId: application.tenantId });
  const vaults = [
    source,
    await service.createVault("kv-recorded-replica"),
    await service.createVault("kv-recorded-scratch"),
  ];
  // Local vaults have other ports each time.
  const hosts = vaults.map(({ name, vaultUri }) => [`${name}.vault.azure.net`, new URL(vaultUri).host] as const);
  return {
    service,
    source,
    clientSecret: application.secret,
    env: { ...service.environment(), AZURE_AUTHORITY_HOST: service.identity.authorityHost },
    fromRecording: (text) => hosts.reduce((replaced, [recorded, local]) => replaced.replaceAll(recorded, local), text),
    toRecording: (text) => hosts.reduce((replaced, [recorded, local]) => replaced.replaceAll(local, recorded), text),
  };
}
