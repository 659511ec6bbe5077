import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import {
  CertificateBackup,
  type DrillCheck,
  type DrillCheckResult,
  KeyBackup,
  RestoreDrill,
  type RestoreDrillArgs,
  SecretBackup,
} from "../../../src";
import { documentedOutputs, inputsOf, known, mockEngine, secret } from "./mocks";

const vaultUri = "https://scratch.vault.azure.net/";
const backedUp = {
  blob: "AAAA",
  blobSha256: "11",
  keyName: "orders",
  keyUri: "https://kv.vault.azure.net/keys/orders",
  versions: ["v2", "v1"],
  thumbprints: { v2: "two" },
  backedUpAt: "2026-03-01T00:00:00.000Z",
};

/** A backup resource of each kind, with the members that the engine gives it. */
const resources = {
  KeyBackup: { members: backedUp, make: () => new KeyBackup("source", { keyUri: backedUp.keyUri }) },
  SecretBackup: {
    members: { blob: "BBBB", secretName: "password", secretUri: "https://kv.vault.azure.net/secrets/password" },
    make: () => new SecretBackup("source", { secretUri: "https://kv.vault.azure.net/secrets/password" }),
  },
  CertificateBackup: {
    members: { blob: "CCCC", certificateName: "web", certificateUri: "https://kv.vault.azure.net/certificates/web" },
    make: () => new CertificateBackup("source", { certificateUri: "https://kv.vault.azure.net/certificates/web" }),
  },
};
const state = Object.fromEntries(Object.entries(resources).map(([resource, { members }]) => [resource, members]));

beforeEach(() => mockEngine({ state }));

describe("a RestoreDrill", () => {
  it("has the type that states know", async () => {
    const drill = new RestoreDrill("orders", { vaultUri, backup: backedUp });
    expect(await known(drill.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:RestoreDrill::orders");
  });

  it("has every documented output", () => {
    const drill = new RestoreDrill("orders", { vaultUri, backup: backedUp });
    const outputs = documentedOutputs("restoreDrill.ts");
    expect(outputs).toEqual(expect.arrayContaining(["copyUri", "verifiedAt", "outcome", "checks", "leftover"]));
    for (const name of outputs) expect(pulumi.Output.isInstance(drill[name as keyof RestoreDrill])).toBe(true);
  });

  it.each(Object.entries(resources))(
    "hands a %s to the provider as plain properties with a secret blob",
    async (_, { members, make }) => {
      const { backup } = await inputsOf(new RestoreDrill("of-backup", { vaultUri, backup: make() }), "of-backup");
      expect(backup).toEqual(secret(members));
    },
  );

  it("names its owner by organization, project, stack and name", async () => {
    for (const name of ["orders", "invoices"]) {
      const inputs = await inputsOf(new RestoreDrill(name, { vaultUri, backup: backedUp }), name);
      expect(inputs).toEqual({ vaultUri, backup: secret(backedUp), owner: `acme/shop/dev/${name}` });
    }
  });

  it("names its owner itself, whatever a program without types says", async () => {
    const args = { vaultUri, backup: backedUp, owner: "another" } as RestoreDrillArgs;
    expect(await inputsOf(new RestoreDrill("own", args), "own")).toMatchObject({ owner: "acme/shop/dev/own" });
  });

  it("can be made under mocks that name no organization", async () => {
    await pulumi.runtime.setMocks({ newResource: () => ({ id: "id", state: {} }), call: () => ({}) });
    expect(() => new RestoreDrill("mocked", { vaultUri, backup: backedUp })).not.toThrow();
  });

  it("hands all of its inputs to the provider", async () => {
    const choices = { maxAgeDays: 0.5, onFailure: "record", allowSoftDeletedCopies: true } as const;
    const text = pulumi.output("x");
    const triggers = [text, { a: [1, null, text] }, true, "", []];
    const drill = new RestoreDrill("all", {
      vaultUri: pulumi.output(vaultUri),
      backup: backedUp,
      triggers,
      ...choices,
    });
    expect(await inputsOf(drill, "all")).toEqual({
      vaultUri,
      backup: secret(backedUp),
      owner: "acme/shop/dev/all",
      triggers: ["x", { a: [1, null, "x"] }, true, "", []],
      ...choices,
    });
  });

  it("does not compile without a backup, without a vault, with a blob alone, or with an unknown choice", () => {
    // @ts-expect-error the backup is missing
    const nothing: RestoreDrillArgs = { vaultUri };
    // @ts-expect-error the vault is missing
    const nowhere: RestoreDrillArgs = { backup: backedUp };
    // @ts-expect-error a blob alone does not tell which object a drill may copy
    const blobAlone: RestoreDrillArgs = { vaultUri, blob: "AAAA" };
    // @ts-expect-error there is no such choice
    const ignoring: RestoreDrillArgs = { vaultUri, backup: backedUp, onFailure: "ignore" };
    const results: DrillCheckResult[] = ["passed", "failed: no", "not run: it is so"];
    // @ts-expect-error there is no such result
    results.push("skipped");
    expect([nothing, nowhere, blobAlone, ignoring]).toHaveLength(4);
  });

  it("compiles with a backup of any kind that is kept elsewhere", () => {
    const ofSecret: RestoreDrillArgs = { vaultUri, backup: { blob: "AAAA", secretName: "orders" } };
    const ofCertificate: RestoreDrillArgs = { vaultUri, backup: { blob: "AAAA", certificateUri: "orders" } };
    expect([ofSecret, ofCertificate]).toHaveLength(2);
  });

  it("has checks of each kind of object, and a certificate's expiry beside them", () => {
    const checks: DrillCheck[] = [
      { version: "v1", versionId: "passed", publicKey: "passed", privateKey: "not run: it is disabled" },
      { version: "v1", versionId: "passed", attributes: "failed: a tag differs", value: "passed" },
      { version: "v1", versionId: "passed", x5t: "passed", expiresAt: "2027-01-01T00:00:00Z" },
    ];
    // @ts-expect-error a check has a result
    checks.push({ version: "v1", versionId: "passed", value: "secret" });
    expect(checks).toHaveLength(4);
  });
});
