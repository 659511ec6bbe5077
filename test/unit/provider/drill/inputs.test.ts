import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { drillFamily } from "../../../../src/provider/drill/family";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

type Properties = Readonly<Record<string, unknown>>;

let service: TestService;
let stack: TestStack;
let blob: string;
let hsmBlob: string;
let backup: Properties;

beforeAll(async () => {
  service = await TestService.start();
  stack = await service.newStack();
  await stack.backedUp();
  backup = stack.backupRef;
  blob = String(backup.blob);
  const hsm = await service.service.createVault(undefined, { kind: "managedHsm" });
  await hsm.keys.create("orders");
  hsmBlob = await hsm.keys.backUp("orders");
});
afterAll(() => service.stop());

const unknown = pulumi.runtime.unknownValue;
const vaultUri = "https://kv-scratch.vault.azure.net/";
const hsmUri = "https://contoso.managedhsm.azure.net/";
const owner = "organization/project/dev/orders";

async function check(inputs: Properties, config: Readonly<Record<string, string>> = {}) {
  const provider = defineProvider(drillFamily("RestoreDrill"), stack.environment());
  const { inputs: completed, failures } = await provider.check({}, inputs, { get: (name) => config[name] });
  expect(failures.every(({ property }) => property === "")).toBe(true);
  return { completed, reasons: failures.map(({ reason }) => reason) };
}

const mistakesOf = async (inputs: Properties) => (await check({ vaultUri, backup, owner, ...inputs })).reasons;

describe("one sentence is the answer to", () => {
  it.each<[string, () => Properties, string]>([
    ["a missing scratch vault", () => ({ vaultUri: null }), "Set vaultUri to the scratch vault."],
    ["a missing backup", () => ({ backup: undefined }), "RestoreDrill has no backup: set backup."],
    ["a scratch vault with a path", () => ({ vaultUri: `${vaultUri}keys` }), "vaultUri has a path"],
    [
      "the vault of the source",
      () => ({ vaultUri: stack.source.vaultUri.toUpperCase().replace("HTTPS", "https") }),
      "vaultUri is the vault of the backup's source, which a drill never touches: use a scratch vault.",
    ],
    [
      "the vault of the source while the blob is not known yet",
      () => ({ vaultUri: stack.source.vaultUri, backup: { ...backup, blob: unknown } }),
      "vaultUri is the vault of the backup's source",
    ],
    [
      "a backup that does not name its object",
      () => ({ backup: { blob } }),
      "backup does not name its object: set one of keyName, secretName, certificateName in backup, or the URI of the object.",
    ],
    [
      "a backup whose names are undefined",
      () => ({ backup: { blob, keyName: null, secretName: undefined } }),
      "backup does not name its object",
    ],
    [
      "a backup that names objects of two kinds",
      () => ({ backup: { ...backup, secretName: "orders" } }),
      "backup does not name its object",
    ],
    [
      "a blob that is not known yet, without a name",
      () => ({ backup: { blob: unknown } }),
      "backup does not name its object",
    ],
    [
      "the backup of a secret for a Managed HSM",
      () => ({ vaultUri: hsmUri, backup: { blob, secretName: "orders" } }),
      "vaultUri names a Managed HSM, which holds no secrets.",
    ],
    [
      "the backup of a certificate for a Managed HSM",
      () => ({ vaultUri: hsmUri, backup: { blob: unknown, certificateName: "orders" } }),
      "vaultUri names a Managed HSM, which holds no certificates.",
    ],
    [
      "the URI of a key as that of a secret",
      () => ({ backup: { blob, secretUri: backup.keyUri } }),
      "backup.secretUri ",
    ],
    ["an age of no days", () => ({ maxAgeDays: 0 }), "maxAgeDays must be a positive number of days."],
    ["an age in words", () => ({ maxAgeDays: "30" }), "maxAgeDays must be a positive number of days."],
    ["triggers that are no array", () => ({ triggers: "now" }), "triggers must be an array."],
    ["another onFailure", () => ({ onFailure: "ignore" }), 'onFailure must be "fail" or "record".'],
    [
      "an allowance that is a text",
      () => ({ allowSoftDeletedCopies: "yes" }),
      "allowSoftDeletedCopies must be true or false.",
    ],
    ["an unknown input", () => ({ keyName: "orders" }), "keyName is not an input of RestoreDrill; its inputs are"],
    ["an unknown member of the backup", () => ({ backup: { ...backup, tags: {} } }), "backup.tags is not an input"],
    [
      "a Managed HSM's backup for a vault",
      () => ({ backup: { blob: hsmBlob, keyName: "orders" } }),
      "vaultUri is a vault, and the backup is of a Managed HSM",
    ],
    [
      "a vault's backup for a Managed HSM",
      () => ({ vaultUri: hsmUri }),
      "vaultUri is a Managed HSM, and the backup is of a vault",
    ],
    [
      "the private link name of the scratch vault",
      () => ({ vaultUri: "https://kv-scratch.privatelink.vaultcore.azure.net/" }),
      "vaultUri is a private link name.",
    ],
  ])("%s", async (_, inputs, sentence) => {
    const mistakes = await mistakesOf(inputs());
    expect(mistakes).toEqual([expect.stringContaining(sentence)]);
    expect(leaksIn(mistakes.join(), { blob, hsmBlob })).toEqual([]);
  });

  it("a wrong setting of the stack", async () => {
    const config = { "azure-keyvault-backup:timeoutSeconds": "soon" };
    const { reasons } = await check({ vaultUri, backup, owner }, config);
    expect(reasons).toEqual(["azure-keyvault-backup:timeoutSeconds must be a whole number from 1 to 3600."]);
  });
});

describe("the check of a RestoreDrill", () => {
  it.each(objectKinds)("completes the vault, the source and the name of a $noun, and keeps the owner", async (kind) => {
    const { collection } = kind;
    const { name, uri } = kind.properties;
    const { completed, reasons } = await check({
      vaultUri: "https://KV-Scratch.vault.azure.net",
      backup: {
        blob: Buffer.from(blob, "base64url").toString("base64"),
        [uri]: `https://kv.vault.azure.net/${collection}/orders/1`,
      },
      owner,
      maxAgeDays: null,
    });
    expect(reasons).toEqual([]);
    expect(completed).toEqual({
      vaultUri,
      owner,
      backup: { blob, [uri]: `https://kv.vault.azure.net/${collection}/orders`, [name]: "orders" },
    });
  });

  it.each(objectKinds)("refuses the vault of the source of a $noun", async ({ collection, properties }) => {
    const mistakes = await mistakesOf({
      backup: { blob: unknown, [properties.uri]: `${vaultUri}${collection}/orders` },
    });
    expect(mistakes).toEqual([expect.stringContaining("vaultUri is the vault of the backup's source")]);
  });

  it("leaves a damaged blob to the drill, which is there to find it", async () => {
    expect(await mistakesOf({ backup: { ...backup, blob: "no backup!" } })).toEqual([]);
    expect(await mistakesOf({ backup: { ...backup, blobSha256: "0".repeat(64) } })).toEqual([]);
  });

  it("passes over what is not known yet", async () => {
    for (const name of ["vaultUri", "backup", "maxAgeDays", "triggers", "onFailure", "allowSoftDeletedCopies"]) {
      expect(await mistakesOf({ [name]: unknown })).toEqual([]);
    }
    for (const { properties } of objectKinds) {
      expect(await mistakesOf({ backup: { blob: unknown, [properties.name]: unknown } })).toEqual([]);
      expect(await mistakesOf({ backup: { blob: unknown, [properties.uri]: unknown } })).toEqual([]);
    }
  });
});

describe("whatever a program and a state hold", () => {
  const texts = () => fc.oneof(fc.string(), fc.constantFrom(blob, unknown, vaultUri, "orders", "failed", ""));
  const values = () => fc.oneof(texts(), fc.jsonValue(), fc.constantFrom(undefined, null), fc.array(texts()));
  const named = (names: readonly string[]) =>
    fc.record(Object.fromEntries(names.map((name) => [name, values()])), { requiredKeys: [] });
  const names = objectKinds.flatMap(({ properties }) => [properties.name, properties.uri]);
  const members = ["blob", "blobSha256", ...names, "versions", "thumbprints", "backedUpAt", "other"];
  const uris = () =>
    fc.constantFrom(...objectKinds.map(({ collection }) => `${stack.target.vaultUri}${collection}/orders`));
  const inputNames = ["vaultUri", "maxAgeDays", "triggers", "onFailure", "allowSoftDeletedCopies", "owner", "other"];
  const declarations = () =>
    fc
      .tuple(named(inputNames), fc.oneof(named(members), values()))
      .map(([inputs, held]): Properties => ({ ...inputs, backup: held }));
  const records = () =>
    fc
      .tuple(
        named(["vaultUri", "copyUri", "owner", "blobSha256", "triggers", "drilledAt", "outcome"]),
        fc.oneof(named(["uri", "version", "because", "blockedUntil", "command"]), values()),
        fc.option(uris(), { nil: undefined }),
      )
      .map(([record, leftover, uri]): Properties => {
        const isObject = typeof leftover === "object" && leftover !== null;
        return { ...record, leftover: uri !== undefined && isObject ? { ...leftover, uri } : leftover };
      });

  it("the check has an answer without a blob, which a second check does not change", async () => {
    await fc.assert(
      fc.asyncProperty(declarations(), async (inputs) => {
        const once = await check(inputs);
        expect(await check(once.completed)).toEqual(once);
        expect(leaksIn(once.reasons.join(), { blob })).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("the preview has an answer without a request", async () => {
    const provider = defineProvider(drillFamily("RestoreDrill"), stack.environment());
    await fc.assert(
      fc.asyncProperty(records(), declarations(), async (recorded, inputs) => {
        const { changes } = await provider.diff("id", recorded, (await check(inputs)).completed, undefined);
        expect(typeof changes).toBe("boolean");
      }),
      { numRuns: 300 },
    );
    expect(stack.target.requests).toEqual([]);
  });

  it("a deletion succeeds, or fails with a message", async () => {
    const connect = () => {
      throw new Error("The vault is out of reach.");
    };
    const provider = defineProvider(drillFamily("RestoreDrill"), { ...stack.environment(), connect });
    await fc.assert(
      fc.asyncProperty(records(), async (recorded) => {
        const failure = await provider.delete("id", recorded, undefined).catch((error: unknown) => error);
        const expected = { stack: "", message: "The vault is out of reach." };
        expect([undefined, failure]).toContainEqual(
          failure === undefined ? undefined : expect.objectContaining(expected),
        );
      }),
      { numRuns: 300 },
    );
  });
});
