import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { calculateJwkThumbprint, type JWK } from "jose";
import { certificate } from "../../../../src/objects/certificate";
import { key } from "../../../../src/objects/key";
import type { ObjectKind } from "../../../../src/objects/objectKind";
import { objectKinds } from "../../../../src/objects/objectKinds";
import { secret } from "../../../../src/objects/secret";
import { TestService } from "../../../support/provider/testStack";
import { BackupStack } from "./backupStack";

let service: TestService;
let stack: BackupStack;

beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

/** By what one version of "orders" can be compared with a copy; undefined for a secret. */
const thumbprintsOf: Record<ObjectKind["noun"], (version: string) => Promise<string> | string | undefined> = {
  key: (version) => calculateJwkThumbprint(stack.vault.keys.publicJwk("orders", version) as JWK),
  secret: () => undefined,
  certificate: (version) => {
    const { fingerprint } = stack.vault.certificates.x509("orders", version);
    return Buffer.from(fingerprint.replaceAll(":", ""), "hex").toString("base64url");
  },
};

async function thumbprints(...versions: string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const version of versions) {
    const thumbprint = await thumbprintsOf[stack.kind.noun](version);
    if (thumbprint !== undefined) found[version] = thumbprint;
  }
  return found;
}

describe.each(objectKinds)("the first backup of a $noun", (kind) => {
  const { name, uri, uriWithVersion } = kind.properties;

  beforeEach(async () => {
    stack = await BackupStack.start(service, kind);
  });

  it("takes three requests, and the preview before it takes none", async () => {
    await stack.create("orders");
    expect(await stack.preview()).toBeUndefined();
    expect(stack.asked).toEqual([]);
    await stack.mustUp();
    expect(stack.asked).toEqual(["listVersions", "backup", kind === key ? "get" : "listVersions"]);
    expect(new Set(stack.vault.requests.map(({ collection }) => collection))).toEqual(new Set([kind.collection]));
  });

  it("records the object, its versions, its tags, and the blob with its hash", async () => {
    const created = await stack.objects.create("orders", { tags: { team: "a" } });
    await stack.mustUp({ ...stack.at(created.uriWithVersion), triggers: ["a"] });
    expect(stack.outputs).toEqual({
      vaultUri: stack.vault.vaultUri,
      [name]: "orders",
      [uri]: created.uri,
      [uriWithVersion]: created.uriWithVersion,
      declaredVersion: created.version,
      triggers: ["a"],
      versions: [created.version],
      ...(kind.hasThumbprints ? { thumbprints: await thumbprints(created.version) } : {}),
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
      tags: { team: "a" },
      blob: expect.stringMatching(/^[\w-]+$/),
      blobSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      blobBytes: Buffer.from(String(stack.outputs.blob), "base64url").length,
      backedUpAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      sourceStatus: "current",
      previous: {},
    });
  });

  it("records every version that the object has, newest first", async () => {
    const { version: first } = await stack.create("orders");
    stack.pass(1_000);
    const { version: second, uriWithVersion: newest } = await stack.rotate();
    await stack.mustUp();
    expect(stack.outputs).toMatchObject({ versions: [second, first], [uriWithVersion]: newest });
  });

  it("has an id that says nothing of the object or the blob", async () => {
    await stack.backedUp();
    expect(stack.engine.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("fails without leaving a record if the object is not there", async () => {
    expect(await stack.up()).toBe(false);
    expect(stack.engine.failureMessage).toMatch(new RegExp(`404 ${kind.noun}NotFound`, "i"));
    expect(stack.engine.failure).not.toHaveProperty("id");
    expect(stack.engine.outputs).toBeUndefined();
  });

  it("is made with no other permission, and then says what is unknown and what to grant", async () => {
    const created = await stack.create("orders");
    stack.vault.grantDataActions([kind.permissions.backup.dataAction]);
    const program = stack.at(created.uriWithVersion);
    await stack.mustUp(program);
    expect(stack.asked).toEqual(["listVersions", "backup"]);
    expect(stack.outputs).toMatchObject({ versions: [], sourceStatus: "unreachable" });
    expect(stack.outputs.thumbprints).toEqual(kind.hasThumbprints ? {} : undefined);
    expect(stack.outputs.sourceStatusReason).toContain(`Grant ${kind.permissions.list.dataAction},`);
    for (const unknown of [uriWithVersion, "updatedAt", "tags"]) expect(stack.outputs).not.toHaveProperty(unknown);
    stack.forgetRequests();
    const { outputs } = stack;
    expect(await stack.preview(program)).toBe(false);
    await stack.mustUp(program);
    expect(stack.asked).toEqual([]);
    expect(stack.outputs).toEqual(outputs);
  });
});

describe("thumbprints of a key", () => {
  it("are added for each newest version, and stay while a backup holds the version", async () => {
    stack = await BackupStack.start(service, key);
    const first = await stack.backedUp();
    const { version: second } = await stack.rotate();
    await stack.mustUp({ triggers: [1] });
    const both = await thumbprints(first, second);
    expect(stack.outputs.thumbprints).toEqual(both);
    stack.objects.permissions.delete("get");
    stack.pass(1_000);
    await stack.rotate();
    await stack.mustUp({ triggers: [2] });
    expect(stack.outputs.versions).toHaveLength(3);
    expect(stack.outputs.thumbprints).toEqual(both);
  });
});

describe("thumbprints of a certificate", () => {
  it("are x5t of all versions, also of versions that no earlier backup held", async () => {
    stack = await BackupStack.start(service, certificate);
    const { version: first } = await stack.create("orders");
    const { version: second } = await stack.rotate();
    await stack.mustUp();
    expect(stack.outputs.thumbprints).toEqual(await thumbprints(first, second));
    const { version: third } = await stack.rotate();
    await stack.mustUp({ triggers: [1] });
    const all = await thumbprints(first, second, third);
    expect(stack.outputs.thumbprints).toEqual(all);
    expect(new Set(Object.values(all)).size).toBe(3);
  });

  it("need no permission but to list the versions", async () => {
    stack = await BackupStack.start(service, certificate);
    stack.objects.permissions.delete("get");
    const version = await stack.backedUp();
    expect(stack.outputs.thumbprints).toEqual(await thumbprints(version));
  });
});

describe.each([key, certificate])("thumbprints of a $noun", (kind: ObjectKind) => {
  it("are dropped with the last backup that holds the version", async () => {
    stack = await BackupStack.start(service, kind);
    const first = await stack.backedUp();
    const { blobSha256, thumbprints: ofFirst } = stack.outputs;
    const second = await stack.createAnew();
    await stack.mustUp({ triggers: [1] });
    const ofSecond = await thumbprints(second);
    expect(Object.keys(ofFirst as object)).toEqual([first]);
    expect(stack.outputs.thumbprints).toEqual({ ...(ofFirst as object), ...ofSecond });
    await stack.mustUp({ triggers: [2], forget: [blobSha256] });
    expect(stack.outputs.thumbprints).toEqual(ofSecond);
  });
});

it("A secret has no thumbprint, however many versions it has", async () => {
  stack = await BackupStack.start(service, secret);
  await stack.backedUp();
  await stack.rotate();
  await stack.mustUp({ triggers: [1] });
  expect(stack.outputs.versions).toHaveLength(2);
  expect(stack.outputs).not.toHaveProperty("thumbprints");
});
