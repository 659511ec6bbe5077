import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import type { LocalVault } from "../../localVault/localVault";
import { leaksIn } from "../support/leaks";
import { ProjectFolder } from "../support/providerProcess/projectFolder";
import {
  type Properties,
  ProviderProcess,
  refusalOf,
  sentBack,
  verificationOff,
} from "../support/providerProcess/providerProcess";
import { serializedTexts } from "../support/providerProcess/serializedText";
import { installed } from "../support/pulumi/installed";

const __provider = serializedTexts.keyBackup;

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
  const { uri: keyUri } = await vault.keys.create("orders");
  inputs = { __provider, keyUri };
  provider = await ProviderProcess.start(project.path, service, {
    ...verificationOff,
    "azure-keyvault-backup:timeoutSeconds": "2",
  });
});
afterEach(async () => {
  await provider.stop();
});

/** Ends the provider process, and returns all that it printed. */
async function printedInAll(): Promise<string> {
  await provider.stop();
  return provider.printed;
}

async function backupRequested(): Promise<void> {
  const until = Date.now() + 10_000;
  while (vault.count("backup") === 0) {
    if (Date.now() > until) {
      throw new Error("No backup was requested within 10 s.");
    }
    await sleep(10);
  }
}

const stackLine = /^\s+at .+/m;

describe("a backup that fails", () => {
  it("explains the refusal in create, and leaves nothing half-recorded", async () => {
    vault.fail("any", { kind: "forbidden", reason: "firewall" }, 2);
    const { details, metadata } = await refusalOf(provider.create(inputs));
    expect(details).toMatch(/key "orders" in localhost:\d+: 403 Forbidden \(ForbiddenByFirewall\)/);
    expect(details).not.toMatch(stackLine);
    expect(metadata.get("grpc-status-details-bin")).toEqual([]);
    expect((await provider.create(inputs)).outputs).toMatchObject({ keyName: "orders" });
    expect(await printedInAll()).toBe("");
  });

  it("explains the refusal in update, and leaves the earlier record to the engine", async () => {
    const { id, outputs } = await provider.create(inputs);
    vault.fail("backup", { kind: "forbidden", reason: "firewall" });
    const { details, metadata } = await refusalOf(provider.update(id, sentBack(outputs), { ...inputs, triggers: [1] }));
    expect(details).toContain("403 Forbidden (ForbiddenByFirewall)");
    expect(details).not.toMatch(stackLine);
    expect(metadata.get("grpc-status-details-bin")).toEqual([]);
    expect(await printedInAll()).toBe("");
  });

  it("ends at its deadline, and nothing of it is printed later", async () => {
    vault.fail("backup", { kind: "stall" });
    const { details } = await refusalOf(provider.create(inputs));
    expect(details).toMatch(/2 s\b/);
    await sleep(500);
    expect(await printedInAll()).toBe("");
  });
});

describe("a drill that fails", () => {
  it("hands its evidence to the engine with the error, so that the state has it", async () => {
    const { outputs } = await provider.create(inputs);
    const { blob, keyUri, versions } = sentBack(outputs);
    const scratch = await service.createVault();
    await scratch.keys.create("orders");
    const drill = { __provider: serializedTexts.restoreDrill, vaultUri: scratch.vaultUri, owner: "a drill" };
    const { details, metadata } = await refusalOf(
      provider.create({ ...drill, backup: { blob, keyUri, keyName: "orders", versions } }),
    );
    expect(details).toContain("that is not known to be");
    expect(details).not.toMatch(stackLine);
    const [evidence] = metadata.get("grpc-status-details-bin");
    expect(String(evidence)).toContain("drilledAt");
    expect(leaksIn(String(evidence), { blob: String(blob) })).toEqual([]);
  });
});

describe("KeyBackup.get", () => {
  it("fails, says why, and prints no stack trace", async () => {
    const { details } = await refusalOf(provider.read("the-id", { inputs: { __provider } }));
    expect(details).toContain("exists only in the state that made it");
    expect((await printedInAll()).trim()).toBe(`Error: ${details}:`);
  });
});

describe("the provider process", () => {
  it("prints no blob, no token and no stack trace, whatever succeeds and whatever fails", async () => {
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
    await provider.delete(id, olds);
    const printed = await printedInAll();
    const told = [printed, ...details].join("\n");
    const secrets = { blobs: [String(olds.blob), String(updated.blob)], tokens: service.identity.issued };
    expect(leaksIn(told, secrets)).toEqual([]);
    expect(told).not.toMatch(stackLine);
    expect(printed).toContain("because triggers changed");
    expect(printed.trim().split("\n").length).toBe(1);
  });

  it("completes a backup that is under way when the engine cancels", async () => {
    vault.fail("backup", { kind: "delay", milliseconds: 500 });
    const creating = provider.create(inputs);
    await backupRequested();
    await provider.cancel();
    expect((await creating).outputs).toMatchObject({ keyName: "orders" });
  });

  it("ends by the engine's signal although a backup is under way", async () => {
    vault.fail("backup", { kind: "stall" });
    const refused = refusalOf(provider.create(inputs));
    await backupRequested();
    expect(await provider.stop()).toBe("SIGTERM");
    await refused;
    expect(await printedInAll()).toBe("");
  });
});
