import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { key } from "../../../../src/objects/key";
import { backupFamily } from "../../../../src/provider/backup/family";
import { defineProvider } from "../../../../src/provider/engine/defineProvider";
import type { DynamicProvider } from "../../../../src/provider/engine/dynamicProvider";
import { leaksIn } from "../../../support/leaks";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;
let provider: DynamicProvider;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await BackupStack.start(service);
  provider = defineProvider(backupFamily("KeyBackup", key), stack.stack.environment());
});

/** Names of the members of an object that have a blob or anything secret on the wire. */
function secretsIn(properties: object): string[] {
  return Object.entries(properties).flatMap(([name, value]) =>
    pulumi.runtime.isRpcSecret(value)
      ? [name]
      : typeof value === "object" && value !== null
        ? secretsIn(value).map((member) => `${name}.${member}`)
        : [],
  );
}

const inClear = (properties: object) =>
  JSON.stringify(properties, (_, value) => (pulumi.runtime.isRpcSecret(value) ? "[secret]" : value));

describe("on the wire", () => {
  it("the blob is secret and nothing else is, after a create, a refresh and both kinds of update", async () => {
    await stack.backedUp();
    const inputs = stack.declaring();
    const { blob } = stack.outputs;
    const { id, outs } = await provider.create(inputs, undefined);
    const answers = [
      outs,
      (await provider.read(id, stack.outputs, undefined)).props,
      (await provider.update(id, stack.outputs, { ...inputs, triggers: [1] }, undefined)).outs,
      (await provider.update(id, stack.outputs, { ...inputs, forceDelete: true }, undefined)).outs,
    ];
    for (const answer of answers) {
      expect(secretsIn(answer)).toEqual(["blob"]);
      expect(leaksIn(inClear(answer), { blob: String(blob) })).toEqual([]);
    }
    expect(leaksIn(id, { blob: String(blob) })).toEqual([]);
  });

  it("the blobs in previous are secret too", async () => {
    await stack.backedUp();
    const { blobSha256, blob } = stack.outputs;
    await stack.createAnew();
    const inputs = stack.declaring({ triggers: [1] });
    const { outs } = await provider.update(stack.engine.id, stack.outputs, inputs, undefined);
    expect(secretsIn(outs)).toEqual(["blob", `previous.${blobSha256}.blob`]);
    expect(leaksIn(inClear(outs), { blob: String(blob) })).toEqual([]);
  });
});

describe("in what a user reads", () => {
  it("there is no part of a blob, whatever becomes of the key", async () => {
    await stack.backedUp();
    const blobs = [String(stack.outputs.blob)];
    const read: string[] = [];
    const step = async (act: () => Promise<unknown>) => {
      await act();
      read.push(stack.engine.failureMessage, stack.printed, stack.engine.id);
    };
    await step(() => stack.createAnew());
    await step(() => stack.up({ triggers: [1] }));
    blobs.push(String(stack.outputs.blob));
    const { blobSha256, ...others } = stack.outputs;
    stack.engine.edit({ ...others, blobSha256: "0".repeat(64) });
    await step(() => stack.engine.refresh());
    await step(() => stack.engine.destroy());
    await step(() => stack.up({ triggers: [2], forget: [blobs[0]] }));
    await step(() => stack.up({ keyName: "missing" }));
    stack.vault.fail("backup", { kind: "value", value: `${blobs[0]}!` });
    await step(() => stack.up({ triggers: [3] }));
    stack.vault.fail("backup", { kind: "cutJson" });
    await step(() => stack.up({ triggers: [4] }));
    expect(read.filter((text) => text !== "").length).toBeGreaterThan(7);
    expect(leaksIn(read.join("\n"), { blobs })).toEqual([]);
  });

  it("there is no value of triggers", async () => {
    await stack.backedUp({ triggers: ["hunter2"] });
    await stack.mustUp({ triggers: ["hunter3"] });
    expect(stack.printed).toContain("triggers changed");
    expect(stack.printed).not.toContain("hunter");
  });
});
