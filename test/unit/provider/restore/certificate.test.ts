import { createHash, createPrivateKey, verify, X509Certificate } from "node:crypto";
import { CertificateClient } from "@azure/keyvault-certificates";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { LocalVault } from "../../../../localVault/localVault";
import { certificate } from "../../../../src/objects/certificate";
import { TestService, type TestStack } from "../../../support/provider/testStack";
import { refusalOf } from "../../../support/refusalOf";

let service: TestService;
let stack: TestStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());
beforeEach(async () => {
  stack = await service.stackOf(certificate);
});

async function up(inputs: Record<string, unknown> = {}): Promise<void> {
  await stack.restore.up(stack.restoring(inputs));
  expect(stack.restore.failureMessage).toBe("");
}

const collections = ["keys", "secrets", "certificates"] as const;

/** All that is in the target, in use and soft-deleted. */
function everything(): unknown[] {
  return collections.flatMap((name) => {
    const objects = stack.target.collection(name);
    return [objects.versions("orders"), objects.deleted("orders")];
  });
}

/** The restore is refused, and changes nothing. */
async function refused(inputs: Record<string, unknown> = {}): Promise<string> {
  const before = everything();
  stack.target.clearRequests();
  expect(await stack.restore.up(stack.restoring(inputs))).toBe(false);
  expect(everything()).toEqual(before);
  expect(stack.changes).toEqual([]);
  expect(stack.restore.outputs).toBeUndefined();
  return stack.restore.failureMessage;
}

function clientOf({ vaultUri }: LocalVault): CertificateClient {
  const token = service.service.identity.accessToken("https://vault.azure.net");
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: stack.now() + 3_600_000 }) };
  return new CertificateClient(vaultUri, credential, {
    serviceVersion: "7.4",
    disableChallengeResourceVerification: true,
  });
}

/** Issues a version as users do, by a request for it, and backs the certificate up. */
async function issued(): Promise<string> {
  const policy = { issuerName: "Self", subject: "CN=orders", keyUsage: ["digitalSignature"], validityInMonths: 3 };
  const poller = await clientOf(stack.source).beginCreateCertificate("orders", policy, { intervalInMs: 1 });
  const { properties } = await poller.pollUntilDone();
  await stack.backUp();
  return properties.version ?? "";
}

describe("a restored certificate", () => {
  it("has all its keys and secrets, and both can be used", async () => {
    const first = await issued();
    const second = await stack.rotated();
    await up();
    const message = Buffer.from("message");
    for (const version of [first, second]) {
      const x509 = stack.target.certificates.x509("orders", version);
      const signature = stack.target.keys.sign("orders", version, createHash("sha256").update(message).digest());
      expect(verify("sha256", message, { key: x509.publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
      const value = stack.target.secrets.value("orders", version);
      expect(value).toBe(stack.source.secrets.value("orders", version));
      expect(new X509Certificate(value).checkPrivateKey(createPrivateKey(value))).toBe(true);
    }
  });

  it("has its policy, and no pending operation", async () => {
    await issued();
    await up();
    const [source, copy] = [clientOf(stack.source), clientOf(stack.target)];
    const { id, ...policy } = (await source.getCertificatePolicy("orders")) as { id?: string };
    expect(await copy.getCertificatePolicy("orders")).toMatchObject(policy);
    expect(policy).toMatchObject({ subject: "CN=orders", validityInMonths: 3 });
    const operation = (client: CertificateClient) => refusalOf(client.getCertificateOperation("orders"));
    expect((await operation(source)).statusCode).toBeUndefined();
    expect(await operation(copy)).toMatchObject({ statusCode: 404, code: "PendingCertificateNotFound" });
  });

  it("is restored without a look at its key or its secret", async () => {
    await stack.backedUp();
    await up();
    await stack.restore.refresh();
    expect(stack.target.requests.map(({ collection }) => collection)).not.toContain("keys");
    expect(stack.target.requests.map(({ collection }) => collection)).not.toContain("secrets");
  });
});

describe("the name of a certificate that is taken", () => {
  beforeEach(async () => {
    await stack.backedUp();
  });

  const deletes = (name: (typeof collections)[number]) => stack.target.collection(name).delete("orders");

  it.each([
    { noun: "key", collection: "keys" },
    { noun: "secret", collection: "secrets" },
    { noun: "certificate", collection: "certificates" },
  ] as const)("by a $noun is said to be so, and nothing is changed", async ({ noun, collection }) => {
    await stack.target.collection(collection).create("orders");
    const message = await refused();
    expect(message).toContain('Did not restore certificate "orders" into');
    expect(message).toMatch(new RegExp(`changed nothing: (a|another) ${noun} has its name`));
    expect(message).toContain(`Use another vault, or remove that ${noun} if it is not needed.`);
    expect(message).toContain("troubleshooting.md#name-taken");
  });

  it.each([
    { noun: "key", collection: "keys" },
    { noun: "secret", collection: "secrets" },
    { noun: "certificate", collection: "certificates" },
  ] as const)("by a soft-deleted $noun is said to be so, and how to recover it", async ({ noun, collection }) => {
    await stack.target.collection(collection).create("orders");
    deletes(collection);
    const message = await refused();
    expect(message).toContain(`changed nothing: a soft-deleted ${noun} has its name`);
    expect(message).toContain(`az keyvault ${noun} recover --vault-name localhost --name orders`);
  });

  it.each(["keys", "secrets"] as const)("is told from the refusal if only the blob has it (%s)", async (collection) => {
    await stack.target.collection(collection).create("orders");
    const message = await refused({ backup: { blob: stack.backupRef.blob } });
    expect(message).toContain(`a ${collection.slice(0, -1)} has its name`);
  });

  it("by both a key and a secret is free once both are gone", async () => {
    for (const collection of ["keys", "secrets"] as const) {
      await stack.target.collection(collection).create("orders");
    }
    for (const collection of ["keys", "secrets"] as const) {
      expect(await refused()).toContain(`a ${collection.slice(0, -1)} has its name`);
      deletes(collection);
      stack.target.collection(collection).purge("orders");
    }
    await up();
    expect(stack.target.secrets.has("orders")).toBe(true);
  });

  it.each(["keys", "secrets"] as const)(
    "by one of the %s that may not be listed is all that is said",
    async (collection) => {
      await stack.target.collection(collection).create("orders");
      for (const name of ["keys", "secrets"] as const) stack.target[name].permissions.delete("list");
      const message = await refused();
      expect(message).toContain("409 Conflict");
      expect(message).toMatch(/in use or was deleted/);
      expect(message).toContain("troubleshooting.md#name-taken");
    },
  );

  it.each(["keys", "secrets"] as const)("by one of the %s is said to be so after a lost answer", async (collection) => {
    stack.target.fail("restore", { kind: "reset" });
    await stack.target.collection(collection).create("orders");
    const message = await refused();
    expect(message).toContain(`a ${collection.slice(0, -1)} has its name`);
  });
});

describe("a certificate that is in the vault already", () => {
  const restoreBehindTheProgram = () => stack.target.certificates.restore(String(stack.backupRef.blob));

  /** Puts another certificate under the same versions. */
  async function forge(vault: LocalVault): Promise<void> {
    await vault.certificates.create("forged");
    const forged: object = { certificate: vault.certificates.x509("forged") };
    vault.certificates.update("orders", undefined, forged);
  }

  it("is adopted by the x5t that were recorded with the backup, without a request to the source", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.source.clearRequests();
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version], status: "present" });
    expect(stack.source.requests).toEqual([]);
  });

  it("is adopted by the source's x5t if the backup records none", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    stack.source.clearRequests();
    await up({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.source.count("listVersions", "certificates")).toBe(1);
  });

  it("is refused if a version has another x5t than the one that was recorded", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    await forge(stack.target);
    const { [version]: recorded } = stack.backupRef.thumbprints as Record<string, string>;
    const message = await refused();
    expect(message).toMatch(new RegExp(`another certificate has its name; version ${version}\\W+x5t\\b.* x5t is`));
    expect(message).toContain(`the source's is ${recorded}`);
  });

  it("is refused if the backup records another x5t", async () => {
    const { version: first } = await stack.backedUp();
    const second = await stack.rotated();
    await restoreBehindTheProgram();
    const { [second]: other } = stack.backupRef.thumbprints as Record<string, string>;
    const thumbprints = { ...(stack.backupRef.thumbprints as object), [first]: other };
    const message = await refused({ backup: { ...stack.backupRef, thumbprints } });
    expect(message).toMatch(new RegExp(`version ${first}\\W+x5t\\b`));
  });

  it("is refused if the source's version has another x5t and the backup records none", async () => {
    const { version } = await stack.backedUp();
    await restoreBehindTheProgram();
    await forge(stack.source);
    const message = await refused({ backup: { ...stack.backupRef, thumbprints: undefined } });
    expect(message).toMatch(new RegExp(`version ${version}\\W+x5t\\b`));
  });

  it("is compared like any other if only the answer to its restore was lost", async () => {
    const { version } = await stack.backedUp();
    stack.target.fail("restore", { kind: "lostAnswer" });
    await up();
    expect(stack.restore.outputs).toMatchObject({ versions: [version] });
    expect(stack.target.requests.map(({ collection }) => collection)).not.toContain("secrets");
  });
});

describe("the recreation of a certificate", () => {
  const recreate = { onNewVersions: "recreate" } as const;

  beforeEach(async () => {
    await stack.backedUp();
    await up();
    await stack.rotated();
    stack.target.clearRequests();
  });

  it("asks whether the vault purges, and takes its key and its secret with it", async () => {
    await up(recreate);
    const beforeDeletion = stack.requests.slice(0, stack.requests.indexOf("delete"));
    expect(beforeDeletion).toEqual(["listVersions", "get", "listVersions"]);
    expect(stack.changes).toEqual(["delete", "purge", "restore"]);
    for (const collection of collections) {
      expect(stack.target.collection(collection).versions("orders")).toHaveLength(2);
    }
  });

  it("does not begin if the vault does not say whether it purges", async () => {
    stack.target.certificates.permissions.delete("get");
    const before = everything();
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(stack.restore.failureMessage).toContain("Microsoft.KeyVault/vaults/certificates/read");
    expect(everything()).toEqual(before);
    expect(stack.changes).toEqual([]);
  });

  it("is refused by the name of a key that took it in the meantime, and leaves that key alone", async () => {
    stack.target.onRequest("restore", async () => {
      await stack.target.keys.create("orders");
    });
    expect(await stack.restore.up(stack.restoring(recreate))).toBe(false);
    expect(stack.restore.failureMessage).toContain("a key has its name");
    expect(stack.changes).toEqual(["delete", "purge"]);
    expect(stack.target.keys.has("orders")).toBe(true);
  });
});
