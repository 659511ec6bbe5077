import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../../localVault/localKeyVault";
import type { LocalVault } from "../../../../localVault/localVault";
import type { Fault } from "../../../../localVault/vaultFault";
import type { KeyVaultError } from "../../../../src/keyVault/failures/keyVaultError";
import { backUp } from "../../../../src/keyVault/operations/backUp";
import { restore } from "../../../../src/keyVault/operations/restore";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { connectTo, failureOf } from "../../../support/keyVault/localConnection";
import { type VirtualClock, virtualClock } from "../../../support/keyVault/virtualClock";
import { leaksIn } from "../../../support/leaks";
import { trustLocalCertificate } from "../../../support/trustLocalCertificate";

let clock: VirtualClock;
let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  clock = virtualClock();
  local = await service.createVault();
});

/** A value that is longer than any word. */
const hunters = "hunter2".repeat(9);

const faults: readonly [string, (blob: string) => Fault][] = [
  ["without a usable backup", (blob) => ({ kind: "value", value: `${blob}!` })],
  ["with a part of a backup", () => ({ kind: "truncated" })],
  ["with cut JSON", () => ({ kind: "cutJson" })],
  ["that is HTML", () => ({ kind: "html", status: 200 })],
  ["that is a text with a backup", (blob) => ({ kind: "status", status: 200, body: `{"value":"${blob}` })],
  [
    "that refuses and repeats a backup",
    (blob) => ({ kind: "status", status: 400, body: { error: { code: "BadParameter", message: `Bad ${blob}` } } }),
  ],
  [
    "that refuses and has a backup as its code",
    (blob) => ({ kind: "status", status: 400, body: { error: { code: blob, message: "Bad" } } }),
  ],
  ["that refuses the token", () => ({ kind: "unauthorized" })],
];

describe.each(objectKinds)("an error after an answer about a $noun", (kind) => {
  it.each(faults)("%s shows no part of a backup or a token", async (_, fault) => {
    await local.collection(kind.collection).create("orders");
    const blob = await local.collection(kind.collection).backUp("orders");
    for (const operation of ["backup", "restore"] as const) local.fail(operation, fault(blob), 20);
    const connection = connectTo(service, local, { clock });
    const results = await Promise.allSettled([
      backUp(connection, kind, "orders"),
      restore(connection, kind, blob, "orders"),
    ]);
    const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as KeyVaultError] : []));
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, reason } of errors) {
      expect(leaksIn(`${message} ${reason}`, { blob, token: service.identity.issued })).toEqual([]);
      expect(message.length).toBeLessThan(400);
    }
  });
});

describe("an error of a read of a secret", () => {
  it.each<[string, Fault]>([
    ["that is cut", { kind: "cutJson" }],
    ["that is a text", { kind: "status", status: 200, body: `{"value":"${hunters}"` }],
    [
      "that refuses",
      { kind: "status", status: 400, body: { error: { code: "BadParameter", message: `Bad ${hunters}` } } },
    ],
  ])("%s shows no value", async (_, fault) => {
    const { version } = await local.secrets.create("orders", { value: hunters });
    local.fail("get", fault, 20);
    const task = { name: "get", kind: secret, objectName: "orders" } as const;
    const read = connectTo(service, local, { clock }).once(task, ({ client, signal }) =>
      client.getValue("orders", version, signal),
    );
    const { message } = await failureOf(read);
    expect(message).not.toContain(hunters);
  });
});
