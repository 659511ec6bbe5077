import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { refusalOf } from "../../support/refusalOf";
import { secretClient } from "../../support/sdkClients";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";
import { askVault, type Json } from "./askVault";

let clock = Date.parse("2026-11-01T12:00:00Z");
let service: LocalKeyVault;
let vault: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start({ now: () => clock });
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());
beforeEach(async () => {
  vault = await service.createVault(undefined, { retentionDays: 7 });
});

const ask = async (request: string, body?: Json) =>
  (await askVault(service, vault, request, body === undefined ? {} : { body })).body;

describe("the real client", () => {
  it("sets a secret and reads each version's value, type, tags and attributes", async () => {
    const client = secretClient(service, vault);
    const expiresOn = new Date("2030-01-01T00:00:00Z");
    const first = await client.setSecret("password", "one", { contentType: "text/plain", expiresOn });
    const second = await client.setSecret("password", "two", { tags: { team: "sales" } });
    expect((await client.getSecret("password")).value).toBe("two");
    const read = await client.getSecret("password", { version: first.properties.version ?? "" });
    expect(read).toMatchObject({ value: "one", properties: { contentType: "text/plain", expiresOn } });
    expect(second.properties).toMatchObject({ tags: { team: "sales" }, contentType: undefined });
    expect([vault.secrets.value("password"), vault.secrets.value("Password", first.properties.version)]).toEqual([
      "two",
      "one",
    ]);
  });

  it("changes attributes, type and tags of a version, but not its value", async () => {
    const client = secretClient(service, vault);
    const { version } = await vault.secrets.create("password", { value: "one" });
    clock += 5_000;
    await client.updateSecretProperties("password", version, { contentType: "text/plain", tags: { team: "sales" } });
    expect(vault.secrets.versions("password")).toMatchObject([{ tags: { team: "sales" }, updated: clock / 1000 }]);
    expect(await client.getSecret("password")).toMatchObject({
      value: "one",
      properties: { contentType: "text/plain" },
    });
  });

  it("lists versions without values, and deletes, recovers, purges and restores", async () => {
    const client = secretClient(service, vault);
    await vault.secrets.create("password", { value: "one" });
    await vault.secrets.rotate("password");
    const versions = [];
    for await (const version of client.listPropertiesOfSecretVersions("password")) versions.push(version);
    expect(versions).toHaveLength(2);
    const backup = (await client.backupSecret("password")) ?? new Uint8Array();
    await (await client.beginDeleteSecret("password", { intervalInMs: 1 })).pollUntilDone();
    await (await client.beginRecoverDeletedSecret("password", { intervalInMs: 1 })).pollUntilDone();
    await (await client.beginDeleteSecret("password", { intervalInMs: 1 })).pollUntilDone();
    await client.purgeDeletedSecret("password");
    expect((await client.restoreSecretBackup(backup)).name).toBe("password");
    expect(vault.secrets.versions("password")).toHaveLength(2);
  });
});

describe("the value of a secret", () => {
  it("is answered to get and set only", async () => {
    const set = await ask("PUT secrets/password", { value: "s3cret", contentType: "text/plain" });
    expect([set.value, (await ask("GET secrets/password")).value]).toEqual(["s3cret", "s3cret"]);
    const others = [
      await ask("GET secrets"),
      await ask("GET secrets/password/versions"),
      await ask("PATCH secrets/password", { tags: { team: "sales" } }),
      await ask("POST secrets/password/backup"),
      await ask("DELETE secrets/password"),
      await ask("GET deletedsecrets"),
      await ask("GET deletedsecrets/password"),
      await ask("POST deletedsecrets/password/recover"),
    ];
    for (const answered of others) {
      expect(answered.error).toBeUndefined();
      expect(JSON.stringify(answered)).not.toContain("s3cret");
    }
  });

  it("is random unless it is given, and random again after a rotation", async () => {
    const { version } = await vault.secrets.create("password", { contentType: "text/plain", tags: { team: "sales" } });
    await vault.secrets.rotate("password");
    expect(vault.secrets.value("password")).not.toBe(vault.secrets.value("password", version));
    expect(await ask("GET secrets/password")).toMatchObject({ contentType: "text/plain", tags: { team: "sales" } });
  });

  it("cannot be read if the version is disabled, but if it is expired or not yet valid", async () => {
    const client = secretClient(service, vault);
    const disabled = { statusCode: 403, code: "Forbidden", innerCode: "SecretDisabled" };
    await vault.secrets.create("old", { value: "a", expires: clock / 1000 - 60 });
    await vault.secrets.create("new", { value: "b", notBefore: clock / 1000 + 60 });
    await vault.secrets.create("off", { value: "c", enabled: false });
    expect([(await client.getSecret("old")).value, (await client.getSecret("new")).value]).toEqual(["a", "b"]);
    expect(await refusalOf(client.getSecret("off"))).toMatchObject(disabled);
    vault.secrets.delete("off");
    expect(await refusalOf(client.getDeletedSecret("off"))).toMatchObject(disabled);
  });

  it("must be a text", async () => {
    expect((await ask("PUT secrets/password", { value: 1 })).error).toEqual({
      code: "BadParameter",
      message: "Property  value is invalid",
    });
  });
});

describe("the recorded answers for a secret with two versions, of which the newer is disabled", () => {
  const expected = () => {
    const [, { uriWithVersion: id = "" } = {}] = vault.secrets.versions("password");
    return {
      contentType: "text/plain",
      id,
      attributes: {
        enabled: false,
        created: clock / 1000 - 10,
        updated: clock / 1000,
        recoveryLevel: "CustomizedRecoverable+Purgeable",
        recoverableDays: 7,
      },
      tags: { team: "sales" },
    };
  };

  beforeEach(async () => {
    await vault.secrets.create("password", { value: "one" });
    await vault.secrets.create("password", { value: "two", contentType: "text/plain", tags: { team: "sales" } });
    clock += 10_000;
  });

  it("have the same members before the backup, in the list and after the restore", async () => {
    expect(await ask("PATCH secrets/password", { attributes: { enabled: false } })).toEqual(expected());
    const { value, nextLink } = await ask("GET secrets/password/versions");
    expect(nextLink).toBeNull();
    expect(value).toContainEqual(expected());
    expect(value).toContainEqual({
      id: vault.secrets.versions("password")[0]?.uriWithVersion,
      attributes: { ...expected().attributes, enabled: true, updated: clock / 1000 - 10 },
    });
    const blob = (await ask("POST secrets/password/backup")).value;
    const restored = expected();
    expect(await ask("DELETE secrets/password")).toEqual({
      recoveryId: `${vault.vaultUri}deletedsecrets/password`,
      deletedDate: clock / 1000,
      scheduledPurgeDate: clock / 1000 + 7 * 86_400,
      ...restored,
    });
    vault.secrets.purge("password");
    clock += 60_000;
    expect(await ask("POST secrets/restore", { value: blob })).toEqual(restored);
    expect(vault.secrets.value("password")).toBe("two");
  });
});
