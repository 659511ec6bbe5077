import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import type { CollectionName } from "../../../localVault/objectKind";
import type { VaultOptions } from "../../../localVault/vaultOptions";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault, type Json } from "./askVault";

// The refusals of Azure Key Vault and Managed HSM, as recorded from 2018 to 2025.

let clock = Date.parse("2026-11-01T12:00:00Z");
let service: LocalKeyVault;
let vault: LocalVault;

const slow: VaultOptions = { deletionMilliseconds: 20_000, recoveryMilliseconds: 20_000, purgeMilliseconds: 20_000 };

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault(undefined, slow);
});

const ask = (target: LocalVault, request: string, body?: Json) =>
  askVault(service, target, request, body === undefined ? {} : { body });
const base64url = (text: string | Uint8Array) => Buffer.from(text).toString("base64url");

/** Creates the object `orders` and brings it into a state. */
const states: Record<string, (target: LocalVault, collection: CollectionName) => Promise<void>> = {
  missing: async () => {},
  "in use": async (target, collection) => void (await target.collection(collection).create("orders")),
  "of a certificate": async (target) => void (await target.certificates.create("orders")),
  "being deleted": async (target, collection) => {
    await target.collection(collection).create("orders");
    target.collection(collection).delete("orders");
  },
  "soft-deleted": async (target, collection) => {
    await target.collection(collection).create("orders");
    target.collection(collection).delete("orders");
    clock += 20_000;
  },
  "being recovered": async (target, collection) => {
    await target.collection(collection).create("orders");
    target.collection(collection).delete("orders");
    target.collection(collection).recover("orders");
  },
};

describe.each([
  ["keys", "key", "Key", "POST keys/orders/create", { kty: "EC" }],
  ["secrets", "secret", "Secret", "PUT secrets/orders", { value: "a" }],
  ["certificates", "certificate", "Certificate", "POST certificates/orders/create", {}],
] as const)("a vault refuses in its %s", (collection, noun, title, create, body) => {
  const restore = (target: LocalVault, value: string) => ask(target, `POST ${collection}/restore`, { value });
  const backUp = async (target: LocalVault) =>
    String((await ask(target, `POST ${collection}/orders/backup`)).body.value);

  const missing = `${title}NotFound`;
  const notFoundText = `A ${noun} with (name/id) orders was not found in this key vault. If you recently deleted this ${noun} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`;
  const conflictText = new RegExp(
    `^There was a conflict restoring the ${noun} 'https://.*/${collection}/orders/[0-9a-f]{32}'\\. This can happen if either: a second ${noun} with`,
  );
  const deletedText = `Deleted ${title} not found: orders`;
  const recover = `POST deleted${collection}/orders/recover`;

  const refusals: [string, string, number, string, string, string | RegExp][] = [
    [`GET ${collection}/orders`, "missing", 404, missing, "", notFoundText],
    [`PATCH ${collection}/orders`, "missing", 404, missing, "", notFoundText],
    [`POST ${collection}/orders/backup`, "missing", 404, missing, "", notFoundText],
    [`DELETE ${collection}/orders`, "missing", 404, missing, "", notFoundText],
    [recover, "missing", 404, missing, "", notFoundText],
    [`GET deleted${collection}/orders`, "in use", 404, missing, "", deletedText],
    [`DELETE deleted${collection}/orders`, "in use", 404, missing, "", deletedText],
    [`GET ${collection}/orders`, "being deleted", 404, missing, "", notFoundText],
    [`GET ${collection}/orders`, "being recovered", 404, missing, "", notFoundText],
    [
      `DELETE ${collection}/orders`,
      "being recovered",
      409,
      "Conflict",
      "ObjectIsBeingRecovered",
      `${title} is currently being recovered.`,
    ],
    [
      `DELETE deleted${collection}/orders`,
      "being recovered",
      409,
      "Conflict",
      "ObjectIsBeingRecovered",
      `${title} is currently being recovered.`,
    ],
    [`GET deleted${collection}/orders`, "being deleted", 404, missing, "", deletedText],
    [recover, "being deleted", 409, "Conflict", "ObjectIsBeingDeleted", `${title} orders is currently being deleted.`],
    [
      `DELETE deleted${collection}/orders`,
      "being deleted",
      409,
      "Conflict",
      "ObjectIsBeingDeleted",
      `${title} is currently being deleted.`,
    ],
    [
      create,
      "being deleted",
      409,
      "Conflict",
      "ObjectIsBeingDeleted",
      `${title} orders is currently being deleted and cannot be re-created; retry later.`,
    ],
    [
      create,
      "soft-deleted",
      409,
      "Conflict",
      "ObjectIsDeletedButRecoverable",
      `${title} orders is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the ${noun} can only be recovered or purged.`,
    ],
    [
      create,
      "being recovered",
      409,
      "Conflict",
      "ObjectIsBeingRecovered",
      `${title} orders is currently being recovered and cannot be re-created; retry later.`,
    ],
    [
      recover,
      "being recovered",
      409,
      "Conflict",
      "",
      new RegExp(`^There was a conflict while recovering the soft-deleted ${noun} 'https:.*${collection}/orders'`),
    ],
  ];
  const ofOne: Record<CollectionName, typeof refusals> = {
    keys: [
      [recover, "in use", 404, missing, "", notFoundText],
      [
        "POST keys/orders/backup",
        "of a certificate",
        403,
        "Forbidden",
        "KeyManagedByKeyVault",
        /^Operation "backup" is not allowed on this Key, since it is associated with a certificate\./,
      ],
    ],
    secrets: [
      [
        recover,
        "in use",
        400,
        "MethodNotAllowed",
        "RequestNotAllowedOnNonDeletedObject",
        "Secret exists already: orders",
      ],
      [
        "POST secrets/orders/backup",
        "of a certificate",
        403,
        "Forbidden",
        "SecretManagedByKeyVault",
        /^Operation "backup" is not allowed on this secret, since it is associated with a certificate\./,
      ],
    ],
    certificates: [
      [recover, "in use", 404, missing, "", notFoundText],
      [
        "GET certificates/orders/pending",
        "in use",
        404,
        "PendingCertificateNotFound",
        "",
        "Pending certificate not found: orders",
      ],
    ],
  };
  const ofManaged: typeof refusals =
    collection === "certificates"
      ? []
      : [
          [
            `DELETE ${collection}/orders`,
            "of a certificate",
            403,
            "Forbidden",
            `${title}ManagedByKeyVault`,
            `Operation "delete" is not allowed as this object's lifetime is managed by Key Vault.`,
          ],
          [create, "of a certificate", 403, "Forbidden", `${title}ManagedByKeyVault`, /since it is associated/],
          [
            `PATCH ${collection}/orders`,
            "of a certificate",
            403,
            "Forbidden",
            `${title}ManagedByKeyVault`,
            /since it is associated/,
          ],
        ];

  it.each([...refusals, ...ofOne[collection], ...ofManaged])(
    "%s of one that is %s with %d %s %s",
    async (request, state, status, code, inner, message) => {
      await states[state]?.(vault, collection);
      const answer = await ask(vault, request, request === create ? body : undefined);
      expect(answer.status).toBe(status);
      expect(answer.body.error?.code).toBe(code);
      expect(answer.body.error?.innererror?.code ?? "").toBe(inner);
      expect(answer.body.error?.message).toEqual(
        typeof message === "string" ? message : expect.stringMatching(message),
      );
    },
  );

  it("a version that does not exist, with its address", async () => {
    await vault.collection(collection).create("orders");
    const { status, body: refused } = await ask(vault, `GET ${collection}/orders/0`);
    expect(status).toBe(404);
    const id = collection === "certificates" ? "orders/versions/0" : "orders/0";
    expect(refused.error?.message).toContain(`(name/id) ${id} was not found`);
  });

  it.each([
    ["the 12 bytes of a text", base64url("non-existing"), "Backup blob is corrupt."],
    ["no bytes", "", "Backup blob is corrupt."],
    ["8,693 zeros", base64url(new Uint8Array(8_693)), "Backup blob contains invalid or corrupt version."],
    [
      "a version string without a JWE",
      base64url(
        collection === "secrets"
          ? ")AzureKeyVaultSecretBackupV1.microsoft.com"
          : "&AzureKeyVaultKeyBackupV1.microsoft.com",
      ),
      "Cannot decrypt backup blob.",
    ],
  ])("the restore of %s as a malformed backup blob", async (_, value, message) => {
    const { status, body: refused } = await restore(vault, value);
    expect(status).toBe(400);
    expect(refused).toEqual({ error: { code: "Malformed backup blob", message } });
  });

  it("the restore of a blob from another geography, of a Managed HSM, or of a cut blob", async () => {
    const asian = await service.createVault(undefined, { geography: "Asia" });
    const hsm = await service.createVault(undefined, { kind: "managedHsm" });
    await hsm.keys.create("orders");
    for (const target of [vault, asian]) await target.collection(collection).create("orders");
    const message = async (value: string) => (await restore(vault, value)).body.error?.message;
    expect(await message(await backUp(asian))).toBe("Cannot decrypt backup blob.");
    expect(await message((await backUp(vault)).slice(0, -8))).toBe("Cannot decrypt backup blob.");
    expect(await message(await hsm.keys.backUp("orders"))).toBe("Backup blob contains invalid or corrupt version.");
  });

  it("the restore of one in use or just purged without an inner code", async () => {
    await vault.collection(collection).create("orders");
    const value = await backUp(vault);
    const conflict = { code: "Conflict", message: expect.stringMatching(conflictText) };
    expect((await restore(vault, value)).body).toEqual({ error: conflict });
    await ask(vault, `DELETE ${collection}/orders`);
    expect((await restore(vault, value)).body.error?.innererror?.code).toBe("ObjectIsBeingDeleted");
    clock += 20_000;
    expect((await restore(vault, value)).body.error?.innererror?.code).toBe("ObjectIsDeletedButRecoverable");
    expect((await ask(vault, `DELETE deleted${collection}/orders`)).status).toBe(204);
    expect(await restore(vault, value)).toMatchObject({ status: 409, body: { error: conflict } });
    clock += 20_000;
    expect((await restore(vault, value)).status).toBe(200);
  });

  it("no longer one whose recovery has ended", async () => {
    const objects = vault.collection(collection);
    await states["being recovered"]?.(vault, collection);
    await expect(objects.create("orders")).rejects.toThrow(`${title} orders is being recovered`);
    expect(objects.names).toEqual([]);
    clock += 20_000;
    expect((await ask(vault, `GET ${collection}/orders`)).status).toBe(200);
    expect(objects.names).toEqual(["orders"]);
  });

  it("a request that has no role, with its resource and data action", async () => {
    vault.collection(collection).permissions.clear();
    const { body: refused } = await ask(vault, create, body);
    const action = `Microsoft.KeyVault/vaults/${collection}/${collection === "secrets" ? "setSecret" : "create"}/action`;
    expect(refused.error?.innererror?.code).toBe("ForbiddenByRbac");
    expect(refused.error?.message).toContain(`\r\nAction: '${action}'\r\n`);
    expect(refused.error?.message).toContain(
      `/providers/microsoft.keyvault/vaults/${vault.name}/${collection}/orders'\r\n`,
    );
  });
});
