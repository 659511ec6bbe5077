import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { leaksIn } from "../../support/leaks";
import { drillProviderOfAnotherProcess, RestoringService, type RestoringStack } from "../../support/restoringStack";

let service: RestoringService;
let stack: RestoringStack;
let said: string[];
let version: string;

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
  said = [];
  jest.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
  version = await stack.backedUp();
  await stack.target.createKey("keeper");
});
afterEach(() => {
  jest.restoreAllMocks();
});

const forbidden = { kind: "forbidden", reason: "firewall" } as const;
const failure = () => String((stack.drill.failure as Error | undefined)?.message);

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.drill.up(stack.drilling(inputs));
  expect(stack.drill.failure).toBeUndefined();
  expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
}

async function fails(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.drill.up(stack.drilling(inputs))).toBe(false);
  expect(leaksIn(`${failure()}${said.join("")}`, { blob: String(stack.recorded.blob) })).toEqual([]);
  return failure();
}

function nothingIsLeft(name = "orders"): void {
  expect([stack.target.hasKey(name), stack.target.isDeleted(name)]).toEqual([false, false]);
}

describe("the copy is removed", () => {
  it("where a check fails", async () => {
    stack.target.fail("sign", { kind: "value", value: "AAAA" });
    await fails();
    nothingIsLeft();
  });

  it("where it cannot be marked, which fails the drill", async () => {
    stack.target.fail("update", forbidden);
    expect(await fails()).toMatch(/ failed, .*: Key Vault refused to tag key "orders" in .*networkAcls/);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", restoredVersions: [version] });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
    nothingIsLeft();
  });

  it("where the identity may not mark it, which tells what to grant", async () => {
    stack = await service.newStack({}, { operation: 1_000 });
    await stack.backedUp();
    await stack.target.createKey("keeper");
    stack.target.permissions.delete("update");
    expect(await fails()).toContain("Grant the data action Microsoft.KeyVault/vaults/keys/update/action");
    nothingIsLeft();
  });

  it("where it cannot be used, which leaves what the rest has shown", async () => {
    stack.target.fail("sign", { kind: "status", status: 400 });
    await stack.drill.up(stack.drilling());
    expect(stack.drill.outputs).toMatchObject({
      outcome: "partly",
      checks: [
        { versionId: "passed", publicKey: "passed", privateKey: expect.stringMatching(/^not run: Key Vault refused/) },
      ],
    });
    nothingIsLeft();
  });

  it("where it cannot be read", async () => {
    stack.target.afterRequest("update", () => stack.target.fail("listVersions", forbidden));
    await fails();
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", failure: expect.any(String) });
    nothingIsLeft();
  });

  it.each(["restore", "update", "sign", "delete", "purge"] as const)(
    "where the answer to %s is lost, which changes nothing else",
    async (operation) => {
      stack.target.fail(operation, { kind: "lostAnswer" });
      await up();
      expect(stack.target.count(operation)).toBeGreaterThan(1);
      nothingIsLeft();
    },
  );

  it("where the answer to its restore is lost, or else is not denied, if the backup does not tell its versions", async () => {
    stack.target.fail("restore", { kind: "lostAnswer" });
    await stack.drill.up(stack.drilling({ backup: { ...stack.recorded, keyVersions: undefined } }));
    expect(stack.target.hasKey("orders") ? failure() : "").not.toContain("nothing was restored");
  });

  it.each([
    ["is lost every time", { kind: "lostAnswer" }],
    ["is lost, and the next never comes", { kind: "stall" }],
  ] as const)("where the answer to its restore %s, which fails the drill", async (_, then) => {
    stack = await service.newStack({}, { operation: 1_000 });
    await stack.backedUp();
    await stack.target.createKey("keeper");
    stack.target.fail("restore", { kind: "lostAnswer" });
    stack.target.fail("restore", then, Number.POSITIVE_INFINITY);
    await fails();
    expect(stack.changes).toEqual(["delete", "purge"]);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed", restoredVersions: [] });
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
    nothingIsLeft();
    stack.target.clearFaults();
    await up();
  });

  it("by the next drill where the answer to its restore is lost every time, and it cannot be deleted", async () => {
    stack.target.fail("restore", { kind: "lostAnswer" }, Number.POSITIVE_INFINITY);
    stack.target.fail("delete", forbidden, Number.POSITIVE_INFINITY);
    await fails();
    expect(stack.drill.outputs).toMatchObject({ leftover: { version, isMarked: false, isSoftDeleted: false } });
    stack.target.clearFaults();
    await up();
    nothingIsLeft();
  });

  it("by the next drill, where the answer to its restore is lost and the vault cannot be read any more", async () => {
    stack.target.afterRequest("restore", () => stack.target.fail("listVersions", forbidden, Number.POSITIVE_INFINITY));
    stack.target.fail("restore", { kind: "lostAnswer" }, Number.POSITIVE_INFINITY);
    expect(await fails()).toContain(
      `The copy ${stack.target.vaultUri}keys/orders is still there: Key Vault refused to read`,
    );
    expect(stack.target.hasKey("orders")).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ leftover: { version, isMarked: false } });
    stack.target.clearFaults();
    await up();
    nothingIsLeft();
  });

  it("where the vault deletes and purges slowly, and the answers to both are lost", async () => {
    stack.target.deletionMilliseconds = 200;
    stack.target.purgeMilliseconds = 200;
    stack.target.fail("delete", { kind: "lostAnswer" });
    stack.target.fail("purge", { kind: "lostAnswer" });
    await up();
    nothingIsLeft();
  });
});

describe("the drill is killed", () => {
  /** Runs the drill in another process, which dies. */
  const dies = (after: Parameters<RestoringStack["killed"]>[0]["after"]) => {
    const engine = stack.newDrill(drillProviderOfAnotherProcess());
    return stack.killed({ after }, () => engine.up(stack.drilling()));
  };

  it.each([
    ["lookUpKey", "nothing"],
    ["tagKey", "in use"],
    ["readPublicKeys", "in use"],
    ["provePrivateKey", "in use"],
    ["deleteKey", "soft-deleted"],
    ["purgeKey", "nothing"],
  ] as const)("after %s, and the next one removes the copy, if there is one, and succeeds", async (after, left) => {
    await dies(after);
    const state = stack.target.hasKey("orders")
      ? "in use"
      : stack.target.isDeleted("orders")
        ? "soft-deleted"
        : "nothing";
    expect(state).toBe(left);
    stack.target.clearRequests();
    await up();
    const removal = { nothing: [], "in use": ["delete", "purge"], "soft-deleted": ["purge"] }[left];
    expect(stack.changes).toEqual([...removal, "restore", "update", "delete", "purge"]);
    expect(stack.slept).toBe(0);
    nothingIsLeft();
  });

  it("before the copy is marked, so that the next one touches nothing, and says how to remove it", async () => {
    await dies("restoreKey");
    const before = stack.target.keyVersions("orders");
    stack.target.clearRequests();
    const text = await fails();
    expect(text).toContain("a key of that name is there already, which no drill is known to have made");
    expect(text).toContain("its mark, delete and purge it by hand.");
    expect(stack.target.keyVersions("orders")).toEqual(before);
    expect([stack.changes, stack.drill.outputs]).toEqual([[], undefined]);
    expect(stack.slept).toBeGreaterThan(0);
    stack.target.deleteKey("orders");
    stack.target.purgeKey("orders");
    await up();
  });

  it("and another one, of another resource, waits until its time has passed", async () => {
    await dies("tagKey");
    expect(await fails({ owner: "another" })).toContain(
      "of organization/project/dev/orders, is under way there, or was",
    );
    stack.pass(1_800_000);
    await up({ owner: "another" });
    nothingIsLeft();
  });
});

describe("the probe of an empty scratch vault", () => {
  beforeEach(() => {
    stack.target.deleteKey("keeper");
    stack.target.purgeKey("keeper");
  });

  it.each(["create", "delete", "purge"] as const)("is removed where the answer to %s is lost", async (operation) => {
    stack.target.fail(operation, { kind: "lostAnswer" });
    await up();
    nothingIsLeft("restore-drill-probe");
  });

  it("meets that of another process without harm", async () => {
    stack.target.onRequest("create", async () => {
      await stack.target.createKey("restore-drill-probe");
      stack.target.deleteKey("restore-drill-probe");
    });
    await up();
  });
});
