import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { capitalized } from "../../../../src/keyVault/vaultUri";
import { key } from "../../../../src/objects/key";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { TestService, type TestStack } from "../../../support/provider/testStack";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const waits = { freeName: 5_000, notReady: [20] };

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

/** The restore is refused, and changes nothing. */
async function refused(inputs: Record<string, unknown> = {}): Promise<string> {
  const state = () => [stack.copies.versions("orders"), stack.copies.deleted("orders"), stack.restore.outputs];
  const before = state();
  stack.target.clearRequests();
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  expect(state()).toEqual(before);
  expect(stack.changes).toEqual([]);
  return stack.restore.failureMessage;
}

/** A refusal because of an object that has the name. */
async function refusedByName(inputs: Record<string, unknown> = {}): Promise<string> {
  const message = await refused(inputs);
  const { host } = new URL(stack.target.vaultUri);
  expect(message).toContain(`Did not restore ${stack.kind.noun} "orders" into ${host}, and changed nothing: `);
  expect(message).toContain("troubleshooting.md#name-taken");
  return message;
}

const restoreBehindTheProgram = () => stack.copies.restore(String(stack.backupRef.blob));

describe.each(objectKinds)("a $noun that is in the vault already", (kind) => {
  const { noun, collection, properties } = kind;

  beforeEach(async () => {
    stack = await service.stackOf(kind, {}, waits);
  });

  it("is adopted if it has the versions of the backup, which one line says", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await restoreBehindTheProgram();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [], status: "present" });
    expect(stack.lines).toEqual([
      `${capitalized(noun)}Restore ${stack.target.vaultUri}${collection}/orders: adopted, not restored. The ${noun} is there ` +
        "with every version that the backup holds.",
    ]);
    expect(stack.changes).toEqual([]);
  });

  it("is adopted with its additional versions, which are recorded and not said to come from the backup", async () => {
    const { version: first } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.pass(1_000);
    const { version: second } = await stack.copies.rotate("orders");
    await up();
    const restoredFrom = { versions: [first] };
    expect(stack.restore.outputs).toMatchObject({ versions: [second, first], missingVersions: [], restoredFrom });
  });

  it("is adopted whatever the case in which its name and versions are written", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    const { thumbprints, ...backup } = stack.backupRef;
    const upper = Object.entries(thumbprints ?? {}).map(([id, thumbprint]) => [id.toUpperCase(), thumbprint]);
    await up({
      backup: {
        ...backup,
        [properties.uri]: undefined,
        [properties.name]: "ORDERS",
        versions: [version.toUpperCase()],
        ...(upper.length > 0 ? { thumbprints: Object.fromEntries(upper) } : {}),
      },
    });
    expect(stack.restore.outputs).toMatchObject({ versions: [version], missingVersions: [] });
  });

  it("is adopted by its versions alone if nothing else can be compared", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.copies.permissions.delete("get");
    stack.source.grantDataActions([]);
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
  });

  it("is adopted if its tags and attributes changed after the backup, here or at the source", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.pass(1_000);
    stack.copies.update("orders", version, { tags: { team: "sales" } });
    stack.pass(1_000);
    stack.objects.update("orders", version, { tags: { team: "finance" }, enabled: false });
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version], status: "present" });
    expect(stack.copies.versions("orders")).toMatchObject([{ tags: { team: "sales" }, enabled: true }]);
  });

  it("is adopted if its source is gone", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.objects.delete("orders");
    stack.objects.purge("orders");
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
  });

  it("is adopted if the source's vault is unreachable", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.source.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY, { withoutToken: true });
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
  });

  it("is refused if it is an older copy, and the message says that versions cannot be added", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const second = await stack.rotated();
    const message = await refusedByName();
    expect(message).toContain(`an older copy is there, without version ${second}.`);
    expect(message).toContain(`Versions cannot be added to a ${noun}: delete and purge that copy`);
  });

  it("is refused if it is an older copy even with onNewVersions recreate, because nothing recorded it", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    await stack.rotated();
    expect(await refusedByName({ onNewVersions: "recreate" })).toContain("an older copy is there");
  });

  it("is refused if it is an older copy with versions of its own, and the message does not suggest a purge", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.pass(1_000);
    const { version: own } = await stack.copies.rotate("orders");
    const second = await stack.rotated();
    const message = await refusedByName();
    expect(message).toContain(`without version ${second}.`);
    expect(message).toContain(`first back that copy up: only it has version ${own}.`);
    expect(message).not.toContain("purge");
  });

  it("is refused if it is another object, whose contents are not compared", async () => {
    await stack.backedUp();
    await stack.copies.create("orders");
    const message = await refusedByName();
    expect(message).toContain(`another ${noun} has its name; it has none of the backup's versions`);
    expect(message).toContain(`remove that ${noun} if it is not needed`);
    expect(stack.requests).not.toContain("get");
  });

  it("is refused if the backup does not say which versions it holds", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const message = await refusedByName({ backup: { blob: stack.backupRef.blob } });
    expect(message).toContain(`a ${noun} has its name, and`);
    expect(message).toContain("cannot be compared");
    expect(message).toContain("Set backup.versions, or use another vault.");
  });

  it.each([false, true])(
    "is refused while it is soft-deleted (another object: %s), and adopted once recovered",
    async (isOther) => {
      await stack.backedUp();
      await (isOther ? stack.copies.create("orders") : restoreBehindTheProgram());
      stack.copies.delete("orders");
      const message = await refusedByName();
      expect(message).toContain(`a soft-deleted ${noun} has its name`);
      expect(message).toContain(`az keyvault ${noun} recover --vault-name localhost --name orders`);
      stack.copies.recover("orders");
      expect(await stack.restore.up(stack.restoring())).toBe(!isOther);
    },
  );

  it("is not adopted if its versions cannot be listed", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.copies.permissions.delete("list");
    const message = await refused();
    // The key of a certificate that may not be listed is a sign of the certificate.
    expect(message).toContain(kind.noun === "certificate" ? kind.permissions.list.dataAction : "409 Conflict");
    expect(message).toContain("troubleshooting.md#name-taken");
  });

  it("is said to be soft-deleted although its versions cannot be listed, because the service says so", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    stack.copies.delete("orders");
    stack.copies.permissions.delete("list");
    expect(await refusedByName()).toContain(`a soft-deleted ${noun} has its name`);
  });

  it("is not adopted if it disappears between the conflict and the look", async () => {
    await stack.backedUp();
    await restoreBehindTheProgram();
    const disappears = () => {
      stack.copies.delete("orders");
      stack.copies.purge("orders");
    };
    stack.target.afterRequest("listVersions", disappears);
    expect(await stack.restore.up(stack.restoring())).toBe(false);
    expect(stack.restore.failureMessage).toContain(
      `the name was taken, and now the vault shows no ${noun} of this name`,
    );
    expect(stack.restore.failureMessage).toContain("Run again.");
    await up();
  });

  it("is not said to be unchanged if an answer was lost and the backup does not say its versions", async () => {
    await stack.backedUp();
    const { versions: _, ...backup } = stack.backupRef;
    stack.target.fail("restore", { kind: "lostAnswer" });
    expect(await stack.restore.up(stack.restoring({ backup }))).toBe(false);
    expect(stack.restore.failureMessage).toContain(`may have restored ${noun} "orders"`);
    expect(stack.restore.failureMessage).not.toContain("changed nothing");
  });
});

describe.each(objectKinds)("the name of a $noun that is not free yet", (kind) => {
  const hour = 3_600_000;

  beforeEach(async () => {
    stack = await service.stackOf(kind, {}, waits);
  });

  /** Lets the time pass before the second attempt. */
  function freesTheNameInTime(): void {
    stack.target.onRequest("restore", () => undefined);
    stack.target.onRequest("restore", () => stack.pass(hour));
  }

  it("is waited for after a purge", async () => {
    const { version } = await stack.backedUp();
    stack.target.purgeMilliseconds = hour;
    await stack.copies.create("orders");
    stack.copies.delete("orders");
    stack.copies.purge("orders");
    freesTheNameInTime();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("is waited for during a deletion, until the object is found soft-deleted", async () => {
    await stack.backedUp();
    stack.target.deletionMilliseconds = hour;
    await stack.copies.create("orders");
    stack.copies.delete("orders");
    freesTheNameInTime();
    const message = await refusedByName();
    expect(message).toContain(`a soft-deleted ${kind.noun} has its name`);
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("is waited for during a recovery, after which the object is adopted", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.recoveryMilliseconds = hour;
    stack.copies.delete("orders");
    stack.copies.recover("orders");
    freesTheNameInTime();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.target.count("restore")).toBeGreaterThan(1);
  });

  it("ends the update with what to do if it does not become free in time", async () => {
    stack = await service.stackOf(kind, {}, { freeName: 60, notReady: [20] });
    await stack.backedUp();
    stack.target.purgeMilliseconds = 60_000;
    await stack.copies.create("orders");
    stack.copies.delete("orders");
    stack.copies.purge("orders");
    expect(await refused()).toContain("purged a moment ago. Run again in a few minutes.");
  });
});

describe("a key that is in the vault already", () => {
  beforeEach(async () => {
    stack = await service.stackOf(key, {}, waits);
  });

  it("is adopted without a look at its public keys if the backup records none", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.target.clearRequests();
    stack.source.clearRequests();
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.requests).not.toContain("get");
    expect(stack.source.requests).toEqual([]);
  });

  it("is refused if a version has another public key than the one that was recorded", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await restoreBehindTheProgram();
    const { [second]: other } = stack.backupRef.thumbprints as Record<string, string>;
    const message = await refusedByName({ backup: { ...stack.backupRef, thumbprints: { [first]: other } } });
    expect(message).toMatch(
      new RegExp(`another key has its name; version ${first}\\W+publicKey\\b.* the thumbprint is`),
    );
  });
});
