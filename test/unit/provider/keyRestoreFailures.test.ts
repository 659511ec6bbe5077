import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Permission } from "../../../localVault/keyOperation";
import { RestoringService, type RestoringStack } from "../../support/restoringStack";
import type { Fault } from "../../../localVault/vaultFault";

let service: RestoringService;
let stack: RestoringStack;

beforeAll(async () => {
  service = await RestoringService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  // What is refused for want of a permission has failed at once.
  stack = await service.newStack({}, { notReady: [60_000] });
  jest.spyOn(process.stdout, "write").mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const failure = () => (stack.restore.failure as Error | undefined)?.message;
const host = () => new URL(stack.target.vaultUri).host;

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(failure()).toBeUndefined();
}

/** The message of an update that fails, and restores nothing. */
async function fails(inputs: Record<string, unknown> = {}): Promise<string> {
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  expect([stack.restore.outputs, stack.target.keyNames, stack.changes]).toEqual([undefined, [], []]);
  const { blob } = stack.restoring(inputs).backup as { blob: string };
  const parts = [blob, Buffer.from(blob, "base64url").toString("latin1")].flatMap((text) => text.match(/.{30}/g) ?? []);
  expect(parts.some((part) => String(failure()).includes(part))).toBe(false);
  return String(failure());
}

const certificateRemedy =
  "Check that the blob is the backup of a key, as this kind of vault makes it. That of a certificate, which begins like that " +
  "of a key, is restored by az keyvault certificate restore --vault-name localhost --file ….";
const damagedRemedy =
  "The blob is not what Key Vault returns for a key: it is damaged, of a Managed HSM, or of a secret (az keyvault secret " +
  "restore --vault-name localhost --file …).";
const geographyRemedy =
  "A backup is restored only in the geography and the Azure subscription in which it was made: give a vault there. If this " +
  "one is, the blob is damaged.";

describe("a blob that the service refuses", () => {
  it.each([
    ["with its record", () => ({}), 'key "orders"'],
    ["alone", () => ({ backup: { blob: stack.recorded.blob } }), "a key"],
  ])("since it was made in another geography, is told with what to do (%s)", async (_, inputs, key) => {
    stack = await service.newStack({ geography: "United States" });
    await stack.backedUp();
    expect(await fails(inputs())).toMatch(
      `Key Vault refused to restore ${key} into ${host()}: 400 BadParameter: Cannot decrypt backup blob. ${geographyRemedy} ` +
        "Request id ",
    );
  });

  it("since it was damaged, is told with the same words, as the service does not tell them apart", async () => {
    await stack.backedUp();
    const text = Buffer.from(String(stack.recorded.blob), "base64url").toString("latin1");
    const end = text.endsWith("AAAA") ? "BBBB" : "AAAA";
    expect(await fails({ backup: { blob: `${text.slice(0, -4)}${end}` } })).toContain(
      `Cannot decrypt backup blob. ${geographyRemedy}`,
    );
  });

  it("since it is of a certificate, is told with the command that restores it", async () => {
    const blob = await stack.source.backUpAs("certificate", "orders");
    const message = await fails({ backup: { blob } });
    expect(message).toContain("Cannot restore key: the backup blob is not that of a key.");
    expect(message).toContain(certificateRemedy);
  });

  it.each(["AAAA", Buffer.from("{}").toString("base64"), Buffer.from("no backup").toString("base64url")])(
    "since it begins like none of its own, is told (%s)",
    async (blob) => {
      expect(await fails({ backup: { blob } })).toContain(
        `Key Vault refused to restore a key into ${host()}: 400 BadParameter: Backup blob contains invalid or corrupt ` +
          `version. ${damagedRemedy}`,
      );
    },
  );

  it("is not sent again", async () => {
    await fails({ backup: { blob: "AAAA" } });
    expect(stack.asked).toEqual(["restore"]);
  });
});

describe("a missing permission", () => {
  it.each([
    [
      "rbac",
      "(ForbiddenByRbac): Caller is not authorized to perform action on resource.",
      "Grant the data action Microsoft.KeyVault/vaults/keys/restore/action, for instance with the role Key Vault Crypto Officer.",
    ],
    [
      "accessPolicy",
      "(ForbiddenByPolicy): The user, group or application",
      'Give the identity the key permission "restore" in an access policy of the vault.',
    ],
  ] as const)("to restore is told with its remedy, by %s", async (authorization, answer, remedy) => {
    stack.target.authorization = authorization;
    stack.target.permissions.delete("restore");
    await stack.backedUp();
    const message = await fails();
    expect(message).toContain(`Key Vault refused to restore key "orders" into ${host()}: 403 Forbidden ${answer}`);
    expect(message).toContain(` ${remedy} It was refused for `);
    expect(message).toMatch(/for \d s, in case the grant is new\. Request id [\w-]+\.$/);
  });

  it.each(["rbac", "accessPolicy"] as const)("to restore is waited for, by %s", async (authorization) => {
    stack = await service.newStack();
    stack.target.authorization = authorization;
    await stack.backedUp();
    stack.target.fail("restore", { kind: "forbidden", reason: authorization }, 3);
    await up();
    expect([stack.target.count("restore"), stack.restore.outputs?.isAdopted]).toEqual([4, false]);
  });

  it("to restore is told as what ended the wait, once its bound is over", async () => {
    stack = await service.newStack({}, { operation: 800 });
    stack.target.permissions.delete("restore");
    await stack.backedUp();
    expect(await fails()).toMatch(/It was refused for \d s, in case the grant is new\./);
    expect(stack.target.count("restore")).toBeGreaterThan(3);
  });

  it.each([
    ["rbac", ["get", "list"]],
    ["accessPolicy", ["get", "list"]],
    ["accessPolicy", ["list"]],
  ] as ["rbac" | "accessPolicy", Permission[]][])(
    "to read keeps no key from being restored, by %s without %j",
    async (authorization, permissions) => {
      stack.target.authorization = authorization;
      for (const permission of permissions) stack.target.permissions.delete(permission);
      const version = await stack.backedUp();
      await up();
      expect(stack.restore.outputs).toMatchObject({ keyVersions: [version], keyStatus: "present", isAdopted: false });
    },
  );
});

describe("a vault that does not serve", () => {
  const faults: [string, Fault, () => string][] = [
    [
      "by its firewall",
      { kind: "forbidden", reason: "firewall" },
      () => "Add this machine's address to the vault's firewall (networkAcls.ipRules), or run where the vault lets in.",
    ],
    [
      "but through a private link",
      { kind: "forbidden", reason: "privateLink" },
      () => "The vault takes no calls from public networks: run in a network that has the vault's private endpoint.",
    ],
    [
      "whose connections break",
      { kind: "reset" },
      () => `Could not restore key "orders" into ${host()}: the connection to ${host()} failed (ECONNRESET).`,
    ],
    [
      "which fails",
      { kind: "status", status: 500 },
      () => `Key Vault refused to restore key "orders" into ${host()}: 500 InternalServerError`,
    ],
    [
      "in whose place a proxy answers",
      { kind: "html", status: 403 },
      () => `Key Vault refused to restore key "orders" into ${host()}: 403.`,
    ],
    [
      "which sends elsewhere",
      { kind: "redirect", location: "https://elsewhere.example/" },
      () => "Redirects to other hosts are not followed: check vaultUri.",
    ],
  ];

  it.each(faults)("%s is told, and nothing is recorded until it does", async (_, fault, sentence) => {
    await stack.backedUp();
    stack.target.fail("restore", fault, Number.POSITIVE_INFINITY);
    expect(await fails()).toContain(sentence());
    stack.target.clearFaults();
    await up();
    expect(stack.restore.outputs).toMatchObject({ isAdopted: false });
  });

  it("is waited for where it throttles", async () => {
    await stack.backedUp();
    stack.target.fail("restore", { kind: "throttled" }, 3);
    await up();
    expect(stack.target.count("restore")).toBe(4);
  });

  it("is told as throttled once the bound is over", async () => {
    stack = await service.newStack({}, { operation: 800 });
    await stack.backedUp();
    stack.target.fail("restore", { kind: "throttled" }, Number.POSITIVE_INFINITY);
    expect((await fails()).replace(/\d s;/, "1 s;")).toBe(
      `Could not restore key "orders" into ${host()}: ${host()} did not carry it out within 1 s; the last attempt ended with ` +
        "429. The vault is throttled: run again later, with a lower --parallel, or raise the stack's " +
        "azure-keyvault-backup:timeoutSeconds.",
    );
  });

  it("is told as silent once the bound is over", async () => {
    stack = await service.newStack({}, { operation: 800 });
    await stack.backedUp();
    stack.target.fail("restore", { kind: "stall" }, Number.POSITIVE_INFINITY);
    expect((await fails()).replace(/\d s\./, "1 s.")).toContain(
      `${host()} gave no answer within 1 s. Check the network between this machine and the vault`,
    );
  });

  it.each(["noValue", "truncated"] as const)(
    "whose answer cannot be read (%s) is told, and the next update ends with the key",
    async (kind) => {
      await stack.backedUp();
      stack.target.fail("restore", { kind }, Number.POSITIVE_INFINITY);
      expect(await stack.restore.up(stack.restoring())).toBe(false);
      expect(failure()).toContain(`Could not restore key "orders" into ${host()}: ${host()} answered with`);
      expect(stack.restore.outputs).toBeUndefined();
      stack.target.clearFaults();
      await up();
      expect(stack.restore.outputs).toMatchObject({ keyStatus: "present", isAdopted: kind === "truncated" });
    },
  );

  it.each([{ kind: "reset" }, { kind: "forbidden", reason: "firewall" }, { kind: "status", status: 503 }] as const)(
    "after the restore leaves the key recorded all the same: $kind",
    async (fault) => {
      const version = await stack.backedUp();
      stack.target.fail("listVersions", fault, Number.POSITIVE_INFINITY);
      await up();
      expect(stack.restore.outputs).toMatchObject({ keyVersions: [version], isAdopted: false, keyStatus: "present" });
    },
  );
});
