import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { leaksIn } from "../../../support/leaks";
import { TestService, type TestStack } from "../../../support/provider/testStack";

type Properties = Readonly<Record<string, unknown>>;

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.newStack();
});

const passed = { versionId: "passed", publicKey: "passed", privateKey: "passed" };
const notRun = expect.stringMatching(/^not run: /);
const record = { onFailure: "record" } as const;
const isEmpty = () => !stack.target.keys.has("orders") && !stack.target.keys.isDeleted("orders");
const cut = (blob: unknown, length: number) =>
  Buffer.from(String(blob), "base64url").subarray(0, length).toString("base64url");

/** Drills a backup that fails; the record and the message say why. */
async function failed(backup: Properties, because: string): Promise<Properties> {
  const tampered = { ...stack.backupRef, ...backup };
  expect(await stack.drill.up(stack.drilling({ backup: tampered }))).toBe(false);
  const { failureMessage, outputs = {} } = stack.drill;
  expect(outputs).toMatchObject({ outcome: "failed" });
  expect(outputs).not.toHaveProperty("verifiedAt");
  expect(JSON.stringify(outputs)).toContain(JSON.stringify(because).slice(1, -1));
  expect(failureMessage).toContain(`RestoreDrill ${stack.target.vaultUri}keys/orders: failed, because `);
  expect(failureMessage).toContain(because);
  expect(failureMessage).toContain("docs/troubleshooting.md#drill-failed");
  expect(failureMessage).not.toContain("..");
  expect(leaksIn(failureMessage + JSON.stringify([outputs, stack.printed]), { blob: String(tampered.blob) })).toEqual(
    [],
  );
  expect(isEmpty()).toBe(true);
  return outputs;
}

describe("a drill fails without a request", () => {
  it.each<[string, (blob: unknown) => Promise<Properties> | Properties, string]>([
    [
      "if the blob is another text",
      () => ({ blob: "no backup!", blobSha256: undefined }),
      "blob is not a Key Vault backup",
    ],
    [
      "if the blob is cut short",
      (blob) => ({ blob: cut(blob, 4_000), blobSha256: undefined }),
      "blob is not a whole backup",
    ],
    ["if the blob is not the recorded one", () => ({ blobSha256: "0".repeat(64) }), "blob is not the recorded backup"],
    [
      "if the blob is the backup of a secret",
      async () => {
        await stack.source.secrets.create("orders");
        return { blob: await stack.source.secrets.backUp("orders"), blobSha256: undefined };
      },
      "blob is the backup of a secret, not of a key",
    ],
  ])("%s", async (_, backup, because) => {
    const { version } = await stack.backedUp();
    const outputs = await failed(await backup(stack.backupRef.blob), because);
    expect(outputs).toMatchObject({
      checks: [{ version, versionId: notRun, publicKey: notRun, privateKey: notRun }],
      restoredVersions: [],
    });
    expect(stack.target.requests).toEqual([]);
  });
});

describe("a drill fails", () => {
  it("if a public key is not the one that the backup records, without using the private key", async () => {
    const { version } = await stack.backedUp();
    const thumbprints = { [version]: "A".repeat(43) };
    const because = `publicKey failed: the thumbprint is `;
    expect(await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, thumbprints } }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(because);
    const publicKey = expect.stringContaining(`the source's is ${"A".repeat(43)}`);
    expect(stack.drill.outputs).toMatchObject({
      outcome: "failed",
      checks: [{ version, versionId: "passed", publicKey, privateKey: notRun }],
    });
    expect(stack.requests).not.toContain("sign");
    expect(isEmpty()).toBe(true);
  });

  it("if the blob lacks a version that the backup names", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    const blob = await stack.source.keys.backUp("orders", { versions: [first] });
    const because = "failed: the restored object does not have it";
    const { checks } = await failed({ blob, blobSha256: undefined }, because);
    expect(checks).toEqual([
      { version: first, ...passed },
      { version: second, versionId: because, publicKey: notRun, privateKey: notRun },
    ]);
  });

  it.each([
    ["a wrong signature", { kty: "RSA" }, "sign", 256],
    ["a signature of another length", { kty: "EC" }, "sign", 3],
    ["wrong bytes when it unwraps", { kty: "RSA", keyOperations: ["unwrapKey"] }, "unwrapKey", 32],
    ["wrong bytes when it decrypts", { kty: "RSA", keyOperations: ["decrypt"] }, "decrypt", 32],
  ] as const)("if the private key makes %s", async (_, options, operation, length) => {
    const { version } = await stack.backedUp(options);
    stack.target.fail(operation, { kind: "value", value: randomBytes(length).toString("base64url") });
    const refutation = operation === "sign" ? "its signature does not verify" : "it cannot decrypt";
    const { checks } = await failed({}, refutation);
    expect(checks).toEqual([{ version, ...passed, privateKey: expect.stringMatching(/^failed: /) }]);
  });

  it("if the service answers that the private key cannot decrypt", async () => {
    await stack.backedUp({ kty: "RSA", keyOperations: ["decrypt"] });
    stack.target.fail("decrypt", { kind: "status", status: 400 });
    await failed({}, "it cannot decrypt");
  });

  it("if the blob holds another key than the program names, whose copy is removed", async () => {
    await stack.backedUp();
    const { version } = await stack.source.keys.create("invoices");
    const blob = await stack.source.keys.backUp("invoices");
    const outputs = await failed({ blob, blobSha256: undefined }, 'the blob holds key "invoices", not "orders"');
    expect(outputs).toMatchObject({ restoredVersions: [version] });
    expect(stack.target.keys.has("invoices") || stack.target.keys.isDeleted("invoices")).toBe(false);
  });

  it("if the blob holds another key, whose name is taken in the scratch vault and is left as it is", async () => {
    await stack.backedUp();
    await stack.source.keys.create("invoices");
    const { version } = await stack.target.keys.create("invoices");
    const blob = await stack.source.keys.backUp("invoices");
    await failed({ blob, blobSha256: undefined }, 'the blob holds key "invoices", not "orders"');
    expect(stack.target.keys.versions("invoices")).toMatchObject([{ version, tags: {} }]);
    expect(stack.changes).toEqual([]);
  });

  it("if the blob is of a key of that name in another vault", async () => {
    const { version } = await stack.backedUp();
    const elsewhere = await service.service.createVault();
    const { version: other } = await elsewhere.keys.create("orders");
    const blob = await elsewhere.keys.backUp("orders");
    const { checks } = await failed({ blob, blobSha256: undefined }, "failed: the restored object does not have it");
    expect(checks).toMatchObject([
      { version: other, versionId: notRun },
      { version, versionId: expect.stringMatching(/^failed/) },
    ]);
  });

  it("if the service finds the blob damaged", async () => {
    await stack.backedUp();
    const bytes = Buffer.from(String(stack.backupRef.blob), "base64url");
    const at = bytes.length - 1_000;
    bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41;
    const blob = bytes.toString("base64url");
    await failed({ blob, blobSha256: undefined }, "Key Vault refused to restore key");
  });

  it("and names the failed version first, with the number of those that it does not name", async () => {
    await stack.source.keys.create("orders");
    for (let count = 0; count < 3; count += 1) await stack.source.keys.rotate("orders");
    for (const { version } of stack.source.keys.versions("orders")) {
      stack.source.keys.update("orders", version, { enabled: false });
    }
    await stack.backUp();
    const versions = stack.backupRef.versions as string[];
    const oldest = versions.at(-1) ?? "";
    const thumbprints = { ...(stack.backupRef.thumbprints as object), [oldest]: "other" };
    expect(await stack.drill.up(stack.drilling({ backup: { ...stack.backupRef, thumbprints } }))).toBe(false);
    expect(stack.drill.failureMessage).toContain(`failed, because version ${oldest}: publicKey failed`);
    expect(stack.drill.failureMessage).toContain("; 2 more in checks.");
  });
});

describe("a failure with onFailure fail", () => {
  it("fails the update with a record, and each update runs the drill again until it succeeds", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("restore");
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    const { outputs, failure, id } = stack.drill;
    expect(failure).toMatchObject({ id: expect.any(String), stack: "" });
    expect(outputs).toMatchObject({ outcome: "failed", failure: expect.stringContaining("keys/restore/action") });
    stack.target.clearRequests();
    expect(await stack.drill.up(stack.drilling())).toBe(false);
    expect(stack.requests).toContain("restore");
    stack.target.keys.permissions.add("restore");
    expect(await stack.drill.preview(stack.drilling())).toBe(true);
    expect(stack.lines).toContain(
      `RestoreDrill ${stack.target.vaultUri}keys/orders: a drill will be run, because the last drill failed.`,
    );
    expect(await stack.drill.up(stack.drilling())).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome: "verified" });
    expect(stack.drill.outputs).not.toHaveProperty("failure");
    expect(stack.drill.id).toBe(id);
  });

  it("takes the place of the evidence of a drill that succeeded", async () => {
    await stack.backedUp();
    await stack.drill.up(stack.drilling());
    stack.target.keys.permissions.delete("restore");
    expect(await stack.drill.up(stack.drilling({ triggers: ["again"] }))).toBe(false);
    expect(stack.drill.outputs).toMatchObject({ outcome: "failed" });
    expect(stack.drill.outputs).not.toHaveProperty("verifiedAt");
  });

  it("is run again if an earlier failure was only recorded", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("restore");
    expect(await stack.drill.up(stack.drilling(record))).toBe(true);
    expect(await stack.drill.preview(stack.drilling(record))).toBe(false);
    expect(await stack.drill.preview(stack.drilling())).toBe(true);
  });
});

describe("with onFailure record the update goes on, and the record and a line say that", () => {
  const without = (permission: "list" | "restore" | "update" | "delete" | "purge") => () =>
    stack.target.keys.permissions.delete(permission);

  it.each<[string, () => unknown, string, string]>([
    ["another key has the name", () => stack.target.keys.create("orders"), "failed", "not known to be"],
    [
      "the scratch vault is unreachable",
      () => stack.target.fail("any", { kind: "reset" }, Number.POSITIVE_INFINITY),
      "failed",
      "ECONNRESET",
    ],
    ["the identity may not list", without("list"), "failed", "Microsoft.KeyVault/vaults/keys/read"],
    ["the identity may not restore", without("restore"), "failed", "Microsoft.KeyVault/vaults/keys/restore/action"],
    ["the identity may not tag the copy", without("update"), "failed", "Microsoft.KeyVault/vaults/keys/update/action"],
    ["the identity may not delete", without("delete"), "verified", "Microsoft.KeyVault/vaults/keys/delete"],
    ["the identity may not purge", without("purge"), "verified", "Microsoft.KeyVault/vaults/keys/purge/action"],
    [
      "the scratch vault has purge protection",
      () => Object.assign(stack.target, { purgeProtection: true }),
      "failed",
      "set allowSoftDeletedCopies: true",
    ],
  ])("%s", async (_, happens, outcome, because) => {
    await stack.backedUp();
    await happens();
    expect(await stack.drill.up(stack.drilling(record))).toBe(true);
    expect(stack.drill.outputs).toMatchObject({ outcome });
    expect(JSON.stringify(stack.drill.outputs)).toContain(because);
    expect(stack.lines).toHaveLength(1);
    expect(stack.lines[0]).toContain(`RestoreDrill ${stack.target.vaultUri}keys/orders: ${outcome}`);
    expect(stack.lines[0]).toContain(because);
    expect(stack.lines[0]).not.toContain("..");
    expect(stack.lines[0]).toMatch(/\.$/);
  });

  it("the configuration is wrong", async () => {
    await stack.backedUp();
    const connect = () => {
      throw new Error("ARM_TENANT_ID is not set.");
    };
    const drill = stack.newDrill({ connect });
    expect(await drill.up(stack.drilling(record))).toBe(true);
    expect(drill.outputs).toMatchObject({ outcome: "failed", failure: "ARM_TENANT_ID is not set" });
    expect(stack.lines).toEqual([
      `RestoreDrill ${stack.target.vaultUri}keys/orders: failed, because ARM_TENANT_ID is not set.`,
    ]);
    expect(await drill.preview(stack.drilling(record))).toBe(false);
  });

  it("the configuration is wrong, and an earlier drill left a copy in another vault, which stays on record", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("delete");
    expect(await stack.drill.up(stack.drilling(record))).toBe(true);
    const { leftover } = stack.drill.outputs ?? {};
    const connect = () => {
      throw new Error("ARM_TENANT_ID is not set.");
    };
    const drill = stack.newDrill({ connect });
    drill.edit(stack.drill.outputs ?? {});
    const other = await service.service.createVault();
    expect(await drill.up(stack.drilling({ ...record, vaultUri: other.vaultUri }))).toBe(true);
    expect(drill.outputs).toMatchObject({ leftover: { keyUri: (leftover as Properties).keyUri } });
  });

  it("the copy was removed although it could not be tagged", async () => {
    await stack.backedUp();
    stack.target.keys.permissions.delete("update");
    await stack.drill.up(stack.drilling(record));
    expect(stack.changes).toEqual(["restore", "delete", "purge"]);
    expect(isEmpty()).toBe(true);
    expect(stack.drill.outputs).not.toHaveProperty("leftover");
  });
});
