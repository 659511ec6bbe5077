import { beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { type DrillCheckResult, KeyBackup, RestoreDrill, type RestoreDrillArgs } from "../../../src";
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

beforeEach(() => mockEngine({ state: { KeyBackup: backedUp } }));

describe("a RestoreDrill", () => {
  it("has the type that states know", async () => {
    const drill = new RestoreDrill("orders", { vaultUri, backup: backedUp });
    expect(await known(drill.urn)).toContain("::pulumi-nodejs:dynamic/keyvault:RestoreDrill::orders");
  });

  it("has every documented output", () => {
    const drill = new RestoreDrill("orders", { vaultUri, backup: backedUp });
    const outputs = documentedOutputs("restoreDrill.ts");
    expect(outputs).toEqual(expect.arrayContaining(["verifiedAt", "outcome", "checks", "leftover"]));
    for (const name of outputs) expect(pulumi.Output.isInstance(drill[name as keyof RestoreDrill])).toBe(true);
  });

  it("hands a KeyBackup to the provider as plain properties with a secret blob", async () => {
    const backup = new KeyBackup("source", { keyUri: backedUp.keyUri });
    const { backup: given } = await inputsOf(new RestoreDrill("of-backup", { vaultUri, backup }), "of-backup");
    expect(given).toEqual(secret(backedUp));
  });

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
    // @ts-expect-error a blob alone does not tell which key a drill may copy
    const blobAlone: RestoreDrillArgs = { vaultUri, blob: "AAAA" };
    // @ts-expect-error there is no such choice
    const ignoring: RestoreDrillArgs = { vaultUri, backup: backedUp, onFailure: "ignore" };
    const results: DrillCheckResult[] = ["passed", "failed: no", "not run: it is so"];
    // @ts-expect-error there is no such result
    results.push("skipped");
    expect([nothing, nowhere, blobAlone, ignoring]).toHaveLength(4);
  });
});
