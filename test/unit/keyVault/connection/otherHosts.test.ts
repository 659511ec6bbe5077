import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import { systemClock } from "../../../../src/keyVault/connection/waits";
import { lookUp } from "../../../../src/keyVault/operations/lookUp";
import { key } from "../../../../src/objects/key";
import { connectTo } from "../../../support/keyVault/localConnection";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let service: LocalKeyVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

it("A token goes to no other host that a list names for its next page", async () => {
  const [vault, other] = [await service.createVault(), await service.createVault()];
  await vault.keys.create("orders");
  const nextLink = `${other.vaultUri}keys/orders/versions?api-version=7.4`;
  vault.fail("listVersions", { kind: "status", status: 200, body: { value: [], nextLink } });
  const found = await lookUp(connectTo(service, vault, { clock: systemClock }), key, "orders");
  expect(found).toMatchObject({ kind: "unreachable", because: expect.stringContaining("ANOTHER_HOST") });
  expect(other.requests).toEqual([]);
});
