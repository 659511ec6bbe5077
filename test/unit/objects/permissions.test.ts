import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { systemClock } from "../../../src/keyVault/connection/waits";
import { KeyVaultError } from "../../../src/keyVault/failures/keyVaultError";
import { certificate } from "../../../src/objects/certificate";
import { key } from "../../../src/objects/key";
import type { KeyObjectClient } from "../../../src/objects/keyClient";
import { type ObjectClient, type ObjectKind, permissionFor } from "../../../src/objects/objectKind";
import { objectKinds } from "../../../src/objects/objectKinds";
import type { KeyUse, ObjectOperation, OperationName } from "../../../src/objects/permissions";
import { secret } from "../../../src/objects/secret";
import { connectTo } from "../../support/keyVault/localConnection";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  local = await service.createVault();
});

const version = "a".repeat(32);
const digest = Buffer.alloc(32);

type Call<Client extends ObjectClient> = (client: Client, signal: AbortSignal) => Promise<unknown>;

const calls: Readonly<Record<Exclude<ObjectOperation, "get">, Call<ObjectClient>>> = {
  backup: (client, signal) => client.backUp("orders", signal),
  list: (client, signal) => client.listVersions("orders", signal),
  getDeleted: (client, signal) => client.getDeleted("orders", signal),
  restore: (client, signal) => client.restore(Buffer.alloc(1), signal),
  update: (client, signal) => client.setTags("orders", version, {}, signal),
  delete: (client, signal) => client.delete("orders", 1, signal),
  purge: (client, signal) => client.purge("orders", signal),
};

const keyUses: Readonly<Record<KeyUse, Call<KeyObjectClient>>> = {
  sign: (client, abortSignal) => client.cryptography("orders", version).sign("ES256", digest, { abortSignal }),
  unwrapKey: (client, abortSignal) =>
    client.cryptography("orders", version).unwrapKey("RSA-OAEP-256", digest, { abortSignal }),
  decrypt: (client, abortSignal) =>
    client.cryptography("orders", version).decrypt({ algorithm: "RSA-OAEP-256", ciphertext: digest }, { abortSignal }),
};

interface Row {
  readonly kind: ObjectKind;
  readonly noun: string;
  readonly operation: OperationName;
  /** Makes the request, and tells the service's words if it is refused for want of a permission. */
  refused(): Promise<string | undefined>;
}

function row<Client extends ObjectClient>(kind: ObjectKind<Client>, operation: OperationName, call: Call<Client>): Row {
  const refused = async () => {
    const connection = connectTo(service, local, { clock: systemClock });
    const task = { name: operation, kind, objectName: "orders" };
    try {
      await connection.once(task, ({ client, signal }) => call(client, signal));
    } catch (error) {
      const refusal = error instanceof KeyVaultError ? error.refusal : undefined;
      if (refusal === undefined) {
        throw error;
      }
      return refusal.isPermissionMissing ? refusal.explanation : undefined;
    }
    return undefined;
  };
  return { kind: kind as ObjectKind, noun: kind.noun, operation, refused };
}

/** Every operation of every kind. */
const rows: readonly Row[] = [
  ...objectKinds.flatMap((kind) =>
    Object.entries(calls).map(([operation, call]) => row(kind, operation as OperationName, call)),
  ),
  row(key, "get", (client, signal) => client.getKey("orders", version, signal)),
  row(secret, "get", (client, signal) => client.getValue("orders", version, signal)),
  row(certificate, "get", (client, signal) => client.getCertificate("orders", version, signal)),
  ...Object.entries(keyUses).map(([operation, call]) => row(key, operation as OperationName, call)),
];

describe("the permissions of every kind", () => {
  it("are all in the tests below", () => {
    for (const kind of objectKinds) {
      const tested = rows.filter((one) => one.kind === kind).map(({ operation }) => operation);
      expect(tested.sort()).toEqual(Object.keys(kind.permissions).sort());
    }
  });

  it.each(objectKinds)("name a data action and a role for each operation on a $noun", ({ collection, permissions }) => {
    const action = new RegExp(`^Microsoft\\.KeyVault/vaults/${collection}/(read|delete|[a-zA-Z]+/action)$`);
    for (const { dataAction, role, verb } of Object.values(permissions)) {
      expect(dataAction).toMatch(action);
      expect(role).toMatch(/^Key Vault (Reader|(Crypto|Secrets|Certificates) (User|Officer))$/);
      expect(verb).toMatch(/^[a-z ]+$/);
    }
  });

  it("name a data action and a role of a Managed HSM for each operation on a key, and for no other kind", () => {
    for (const { hsm } of Object.values(key.permissions)) {
      expect(hsm?.dataAction).toMatch(/^Microsoft\.KeyVault\/managedHsm\/(keys|keys\/deletedKeys)\/[a-z]+(\/action)?$/);
      expect(hsm?.role).toMatch(/^Managed HSM Crypto (User|Officer)$/);
    }
    for (const { permissions } of [secret, certificate]) {
      expect(Object.values(permissions).flatMap(({ hsm }) => hsm ?? [])).toEqual([]);
    }
  });

  it("to use a private key are those of keys alone", () => {
    expect(permissionFor(key, "sign").verb).toBe("sign with");
    expect(() => permissionFor(secret, "sign")).toThrow("no operation sign");
  });
});

const isLookAtDeletedSecret = ({ kind, operation }: Row) => kind === secret && operation === "getDeleted";

// The service's own refusals name what is missing.
describe.each(rows.filter((one) => !isLookAtDeletedSecret(one)))(
  "the permission to $operation a $noun",
  ({ kind, operation, refused }) => {
    const { dataAction, accessPolicy } = permissionFor(kind, operation);

    it("is what a vault with roles refuses without, and enough", async () => {
      local.grantDataActions([]);
      expect(await refused()).toContain(`Action: '${dataAction}'`);
      local.grantDataActions([dataAction]);
      expect(await refused()).toBeUndefined();
    });

    it("is what a vault with access policies refuses without, and enough", async () => {
      const { permissions } = local.collection(kind.collection);
      local.authorization = "accessPolicy";
      permissions.clear();
      expect(await refused()).toContain(`does not have ${kind.collection} ${accessPolicy} permission`);
      permissions.add(accessPolicy);
      expect(await refused()).toBeUndefined();
    });
  },
);

describe.each(rows.filter(isLookAtDeletedSecret))("the permission to look at a deleted secret", ({ refused }) => {
  beforeEach(async () => {
    await local.secrets.create("orders");
    local.secrets.delete("orders");
  });

  it.each(["getDeleted", "list"] as const)("is one of two in a vault with roles: that to %s", async (operation) => {
    local.grantDataActions([]);
    expect(await refused()).toContain("Action: 'Microsoft.KeyVault/vaults/secrets/");
    local.grantDataActions([secret.permissions[operation].dataAction]);
    expect(await refused()).toBeUndefined();
  });

  it.each(["getDeleted", "list"] as const)(
    "is one of two in a vault with access policies: that to %s",
    async (operation) => {
      local.authorization = "accessPolicy";
      local.secrets.permissions.clear();
      expect(await refused()).toContain("does not have secrets ");
      local.secrets.permissions.add(secret.permissions[operation].accessPolicy);
      expect(await refused()).toBeUndefined();
    },
  );
});
