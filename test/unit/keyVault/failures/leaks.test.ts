import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { Fault } from "../../../../localVault/vaultFault";
import type { KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { restore } from "../../../../src/keyVault/operations/restore";
import { key } from "../../../../src/objects/key";
import { connectTo } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { leaksIn } from "../../../support/leaks";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;
let blob: string;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  local = await service.createVault();
  await local.keys.create("orders");
  blob = await local.keys.backUp("orders");
});

const faults: readonly [string, () => Fault][] = [
  ["without a usable backup", () => ({ kind: "value", value: `${blob}!` })],
  ["with a part of a backup", () => ({ kind: "truncated" })],
  ["with cut JSON", () => ({ kind: "cutJson" })],
  ["that is HTML", () => ({ kind: "html", status: 200 })],
  ["that is a text with a backup", () => ({ kind: "status", status: 200, body: `{"value":"${blob}` })],
  [
    "that refuses and repeats a backup",
    () => ({ kind: "status", status: 400, body: { error: { code: "BadParameter", message: `Bad ${blob}` } } }),
  ],
  [
    "that refuses and has a backup as its code",
    () => ({ kind: "status", status: 400, body: { error: { code: blob, message: "Bad" } } }),
  ],
  ["that refuses the token", () => ({ kind: "unauthorized" })],
];

describe("an error after an answer", () => {
  it.each(faults)("%s shows no part of a backup or a token", async (_, fault) => {
    for (const operation of ["backup", "restore"] as const) local.fail(operation, fault(), 20);
    const connection = connectTo(service, local, { clock });
    const results = await Promise.allSettled([
      backUp(connection, key, "orders"),
      restore(connection, key, blob, "orders"),
    ]);
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as KeyVaultError] : []));
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, reason } of errors) {
      expect(leaksIn(`${message} ${reason}`, { blob, token: service.identity.issued })).toEqual([]);
      expect(message.length).toBeLessThan(400);
    }
  });
});
