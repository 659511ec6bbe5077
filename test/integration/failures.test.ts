import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../support/leaks";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { ProjectFolder } from "../support/providerProcess/projectFolder";
import {
  type Properties,
  ProviderProcess,
  refusalOf,
  sentBack,
  verificationOff,
} from "../support/providerProcess/providerProcess";
import { serializedText as __provider } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

let service: LocalKeyVault;
let project: ProjectFolder;
let provider: ProviderProcess;
let vault: LocalVault;
let inputs: Properties;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  project = await ProjectFolder.create(installed().installed, "copy");
});
afterAll(async () => {
  await project.remove();
  await service.stop();
});
beforeEach(async () => {
  vault = await service.createVault();
  const { keyUri } = await vault.createKey("orders");
  inputs = { __provider, vaultUri: vault.vaultUri, keyName: "orders", keyUri };
  provider = await ProviderProcess.start(project.path, service, {
    ...verificationOff,
    "azure-keyvault-backup:timeoutSeconds": "2",
  });
});
afterEach(async () => {
  await provider.stop();
});

/** What the provider process printed until its end, which this is. */
async function printedInAll(): Promise<string> {
  await provider.stop();
  return provider.printed;
}

async function backupArrived(): Promise<void> {
  const until = Date.now() + 10_000;
  while (vault.count("backup") === 0) {
    if (Date.now() > until) {
      throw new Error("No backup was asked for within 10 s.");
    }
    await sleep(10);
  }
}

const stackLine = /^\s+at .+/m;

describe("a backup that fails", () => {
  it("tells why in create, and leaves nothing recorded as half made", async () => {
    vault.fail("backup", { kind: "forbidden", reason: "firewall" });
    const { details, metadata } = await refusalOf(provider.create(inputs));
    expect(details).toMatch(
      /^Key Vault refused to back up key "orders" in localhost:\d+: 403 Forbidden \(ForbiddenByFirewall\): /,
    );
    expect(details).not.toMatch(stackLine);
    expect(metadata.get("grpc-status-details-bin")).toEqual([]);
    expect(await printedInAll()).toBe("");
  });

  it("tells why in update, and leaves the earlier record to the engine", async () => {
    const { id, outputs } = await provider.create(inputs);
    vault.fail("backup", { kind: "forbidden", reason: "firewall" });
    const { details, metadata } = await refusalOf(provider.update(id, sentBack(outputs), { ...inputs, triggers: [1] }));
    expect(details).toContain("403 Forbidden (ForbiddenByFirewall)");
    expect(details).not.toMatch(stackLine);
    expect(metadata.get("grpc-status-details-bin")).toEqual([]);
    expect(await printedInAll()).toBe("");
  });

  it("is over at the deadline, and nothing of it comes up later", async () => {
    vault.fail("backup", { kind: "stall" });
    const { details } = await refusalOf(provider.create(inputs));
    expect(details).toContain("gave no answer within 2 s");
    await sleep(500);
    expect(await printedInAll()).toBe("");
  });

  it("does not keep later ones from being made", async () => {
    vault.fail("any", { kind: "forbidden", reason: "firewall" }, 2);
    await refusalOf(provider.create(inputs));
    expect(await provider.create(inputs)).toMatchObject({ id: inputs.keyUri });
  });
});

describe("KeyBackup.get", () => {
  it("fails with the explanation, and prints it without a stack trace", async () => {
    const { details } = await refusalOf(provider.read("the-id", { inputs: { __provider } }));
    const explanation = "There is no backup of the-id to read: a KeyBackup exists only in the state that made it.";
    expect(details).toBe(explanation);
    expect((await printedInAll()).trim()).toBe(`Error: ${explanation}:`);
  });
});

describe("the provider process", () => {
  it("prints no blob, no token and no stack trace, whatever it carries out and whatever fails", async () => {
    const { id, outputs } = await provider.create(inputs);
    const olds = sentBack(outputs);
    const updated = sentBack(await provider.update(id, olds, { ...inputs, triggers: [1] }));
    await provider.diff(id, olds, { ...inputs, triggers: [1] });
    await provider.read(id, { outputs: olds });
    const details: string[] = [];
    for (const kind of ["truncated", "noValue", "unauthorized", "reset"] as const) {
      vault.fail("backup", { kind }, 10);
      details.push((await refusalOf(provider.create(inputs))).details);
      vault.clearFaults();
    }
    details.push((await refusalOf(provider.read(id, { inputs: { __provider } }))).details);
    await provider.delete(id, olds);
    const printed = await printedInAll();
    const told = [printed, ...details].join("\n");
    expect(
      leaksIn(told, { blobs: [String(olds.blob), String(updated.blob)], tokens: service.identity.issued }),
    ).toEqual([]);
    expect(told).not.toMatch(stackLine);
    // The reason of the update, and the failure of `read`.
    expect(printed.trim().split("\n").length).toBe(2);
  });

  it("carries a backup to its end that is under way when the engine cancels", async () => {
    vault.fail("backup", { kind: "delay", milliseconds: 500 });
    const creating = provider.create(inputs);
    await backupArrived();
    await provider.cancel();
    expect(await creating).toMatchObject({ id: inputs.keyUri });
  });

  it("ends by the signal that the engine sends, also with a backup under way", async () => {
    vault.fail("backup", { kind: "stall" });
    const refused = refusalOf(provider.create(inputs));
    await backupArrived();
    expect(await provider.stop()).toBe("SIGTERM");
    await refused;
    expect(await printedInAll()).toBe("");
  });
});
