import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { collectionNames } from "../../../localVault/objectKind";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault } from "./askVault";

let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault();
});

const ask = (request: string) => askVault(service, vault, request);

// The request, the permission of access policies, and the data action of roles after `Microsoft.KeyVault/vaults/`.
const requests: readonly [request: string, permission: string, dataAction: string][] = [
  ["POST keys/orders/create", "create", "keys/create/action"],
  ["GET keys/orders", "get", "keys/read"],
  ["GET deletedkeys", "list", "keys/read"],
  ["PATCH keys/orders", "update", "keys/update/action"],
  ["POST keys/orders/sign", "sign", "keys/sign/action"],
  ["POST keys/orders/unwrapkey", "unwrapKey", "keys/unwrap/action"],
  ["DELETE keys/orders", "delete", "keys/delete"],
  ["GET secrets/orders", "get", "secrets/getSecret/action"],
  ["GET deletedsecrets/orders", "get", "secrets/getSecret/action"],
  ["GET secrets", "list", "secrets/readMetadata/action"],
  ["GET secrets/orders/versions", "list", "secrets/readMetadata/action"],
  ["GET deletedsecrets", "list", "secrets/readMetadata/action"],
  ["PUT secrets/orders", "set", "secrets/setSecret/action"],
  ["PATCH secrets/orders", "set", "secrets/update/action"],
  ["GET certificates/orders", "get", "certificates/read"],
  ["GET certificates/orders/pending", "get", "certificates/read"],
  ["GET certificates/orders/policy", "get", "certificates/read"],
  ["GET deletedcertificates/orders", "get", "certificates/read"],
  ["GET certificates", "list", "certificates/read"],
  ["GET certificates/orders/versions", "list", "certificates/read"],
  ["POST certificates/orders/create", "create", "certificates/create/action"],
  ["POST certificates/orders/import", "import", "certificates/import/action"],
  ["PATCH certificates/orders", "update", "certificates/update/action"],
  ...collectionNames.flatMap((collection): [string, string, string][] => [
    [`POST ${collection}/orders/backup`, "backup", `${collection}/backup/action`],
    [`POST ${collection}/restore`, "restore", `${collection}/restore/action`],
    [`POST deleted${collection}/orders/recover`, "recover", `${collection}/recover/action`],
    [`DELETE deleted${collection}/orders`, "purge", `${collection}/purge/action`],
    [`DELETE ${collection}/orders`, "delete", `${collection}/delete`],
  ]),
];

describe.each(requests)("%s", (request, permission, dataAction) => {
  const collection = collectionNames.find((name) => dataAction.startsWith(name)) ?? "keys";
  const whole = `Microsoft.KeyVault/vaults/${dataAction}`;

  it(`needs the permission ${permission} under access policies`, async () => {
    vault.authorization = "accessPolicy";
    vault.collection(collection).permissions.delete(permission);
    const { status, body } = await ask(request);
    expect(status).toBe(403);
    expect(body.error?.innererror?.code).toBe("ForbiddenByPolicy");
    expect(body.error?.message).toContain(`does not have ${collection} ${permission} permission on key vault`);
    for (const name of collectionNames) vault.collection(name).permissions.clear();
    vault.collection(collection).permissions.add(permission);
    expect((await ask(request)).status).not.toBe(403);
  });

  it(`needs the data action ${dataAction} of roles`, async () => {
    vault.grantDataActions([]);
    const { status, body } = await ask(request);
    expect(status).toBe(403);
    expect(body.error?.innererror?.code).toBe("ForbiddenByRbac");
    expect(body.error?.message).toContain(`\r\nAction: '${whole}'\r\n`);
    vault.grantDataActions([whole]);
    for (const name of collectionNames) vault.collection(name).permissions.clear();
    expect((await ask(request)).status).not.toBe(403);
    vault.grantDataActions(undefined);
    expect((await ask(request)).status).toBe(403);
  });
});

it("every collection grants everything at first, and secrets have neither create nor update", () => {
  expect([...vault.secrets.permissions].sort()).toEqual(
    ["backup", "delete", "get", "list", "purge", "recover", "restore", "set"].sort(),
  );
  expect([...vault.certificates.permissions].sort()).toEqual(
    ["backup", "create", "delete", "get", "import", "list", "purge", "recover", "restore", "update"].sort(),
  );
});

it.each(["GET secrets/orders", "POST certificates/restore", "GET deletedsecrets"])(
  "a Managed HSM does not serve %s",
  async (request) => {
    vault = await service.createVault(undefined, { kind: "managedHsm" });
    expect((await ask(request)).status).toBe(404);
    expect(vault.requests).toMatchObject([{ operation: "unknown", collection: undefined }]);
  },
);
