import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import { listenOnLoopback } from "../../localVault/loopbackServer";
import { type Copies, openCopies } from "../../src/copies/copies";
import { CopyError } from "../../src/copies/copyError";
import type { CopyFacts } from "../../src/copies/copyStore";
import { systemClock, type Waits } from "../../src/keyVault/connection/waits";
import { reachCopies } from "../../src/provider/engine/connect";
import { userError } from "../../src/provider/engine/messages";
import { type Azurite, startAzurite } from "../support/azurite/startAzurite";
import * as errors from "../support/azurite/storageErrors";
import { copiesLocally } from "../support/provider/connectLocally";
import { trustLocalCertificate } from "../support/trustLocalCertificate";
import { useIdentityOf } from "../support/useIdentityOf";

const bytes = Buffer.from("the blob of a backup");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const contentMd5 = createHash("md5").update(bytes).digest("base64");
const facts: CopyFacts = {
  sourceUri: "https://kv-prod.vault.azure.net/keys/orders",
  backedUpAt: "2026-03-07T00:00:00.000Z",
  sha256,
  versions: ["a".repeat(32), "b".repeat(32)],
};

let service: LocalKeyVault;
let azurite: Azurite;
let uri: string;
let path: string;
let blobs = 0;
let printed: string[] = [];

beforeAll(async () => {
  service = await LocalKeyVault.start();
  trustLocalCertificate(service.certificatePem);
  azurite = await startAzurite(service.certificate);
  await azurite.createContainer("backups");
});
afterAll(async () => {
  await azurite?.stop();
  await service.stop();
});
beforeEach(() => {
  blobs += 1;
  path = `backups/prod/kv-prod.vault.azure.net/keys/orders/${blobs}.keybackup`;
  uri = `${azurite.url}/${path}`;
  azurite.clearFaults();
  azurite.clearRequests();
  printed = [];
});

function copies(waits: Partial<Waits> = {}): Copies {
  return copiesLocally(service, waits, { print: (line) => printed.push(line) });
}

const asked = () => azurite.requests.map(({ method, status }) => `${method} ${status ?? "without an answer"}`);

async function failureOf(act: Promise<unknown>): Promise<CopyError> {
  const error = await act.then(
    () => new Error("It succeeded."),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CopyError);
  return error as CopyError;
}

describe("a copy in Azure Blob Storage", () => {
  it("is written as a new blob with what is known of it, and read back", async () => {
    expect(await copies().write(uri, bytes, facts)).toBe(contentMd5);
    expect(await azurite.read(path)).toEqual({
      bytes,
      metadata: {
        sourceuri: facts.sourceUri,
        backedupat: facts.backedUpAt,
        sha256,
        versioncount: "2",
        versions: facts.versions.join(","),
      },
    });
    expect(asked()).toEqual(["PUT 201", "GET 200"]);
  });

  it("names the newest 200 versions of an object that has more, as metadata is limited to 8 KiB", async () => {
    const versions = Array.from({ length: 500 }, (_, index) => `${index}`.padStart(32, "0"));
    await copies().write(uri, bytes, { ...facts, versions });
    const { metadata } = (await azurite.read(path)) ?? {};
    expect(metadata?.versioncount).toBe("500");
    expect(metadata?.versions?.split(",")).toEqual(versions.slice(0, 200));
    expect(
      Object.entries(metadata ?? {})
        .flat()
        .join("").length,
    ).toBeLessThan(8_192);
  });

  it("has no list of versions if they are unknown", async () => {
    await copies().write(uri, bytes, { ...facts, versions: [] });
    expect((await azurite.read(path))?.metadata).not.toHaveProperty("versions");
  });

  it("is looked at with one request, which does not read it", async () => {
    await copies().write(uri, bytes, facts);
    azurite.clearRequests();
    expect(await copies().look(uri)).toEqual({ kind: "found", bytes: bytes.length, contentMd5 });
    expect(asked()).toEqual(["HEAD 200"]);
  });

  it("is left alone if it is there already, such as after a lost answer", async () => {
    azurite.fail({ method: "PUT", connection: "lostAnswer" });
    expect(await copies().write(uri, bytes, facts)).toBe(contentMd5);
    expect(asked()).toEqual(["PUT without an answer", "PUT 409", "GET 200"]);
  });

  it.each([
    ["whose role can add blobs and not overwrite them", errors.noPermission],
    ["in an immutable container", errors.immutable],
  ])("is left alone if the answer was lost to a writer %s", async (_, answer) => {
    azurite.fail({ method: "PUT", connection: "lostAnswer" });
    azurite.fail({ method: "PUT", answer });
    expect(await copies().write(uri, bytes, facts)).toBe(contentMd5);
    expect(asked()).toEqual(["PUT without an answer", `PUT ${answer.status}`, "HEAD 200", "GET 200"]);
  });

  it("is never overwritten: other content under its name is an error", async () => {
    await azurite.overwrite(path, Buffer.from("something else"));
    const error = await failureOf(copies().write(uri, bytes, facts));
    expect(error.code).toBe("copy-different");
    expect(error.message).toMatch(
      /^Could not write the copy .*: its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}\. Nothing was overwritten/,
    );
    expect((await azurite.read(path))?.bytes).toEqual(Buffer.from("something else"));
  });

  it("is found changed by a look, by its length or its MD5", async () => {
    await azurite.overwrite(path, Buffer.from("THE BLOB OF A BACKUP"));
    const seen = await copies().look(uri);
    expect(seen).toMatchObject({ kind: "found", bytes: bytes.length });
    expect(seen).not.toMatchObject({ contentMd5 });
  });

  it("is missing if the container answers that it is not there, or that there is no container", async () => {
    expect(await copies().look(uri)).toEqual({ kind: "missing" });
    expect(await copies().look(uri.replace("/backups/", "/elsewhere/"))).toEqual({ kind: "missing" });
  });

  it("is read whole although an answer broke off", async () => {
    await copies().write(uri, bytes, facts);
    azurite.fail({ method: "GET", connection: "truncated" });
    expect(await copies().read(uri, sha256)).toEqual(bytes);
  });

  it("is not read if another hash is expected", async () => {
    await copies().write(uri, bytes, facts);
    expect((await failureOf(copies().read(uri, "0".repeat(64)))).code).toBe("copy-different");
  });

  it("is reached with the credential of the stack", async () => {
    useIdentityOf(service);
    const config = { get: (name: string) => (name.endsWith("Verification") ? "true" : undefined) };
    expect(await reachCopies(config).write(uri, bytes, facts)).toBe(contentMd5);
    expect(service.identity.tokensIssued.at(-1)).toMatchObject({
      grant: "managedIdentity",
      resource: "https://storage.azure.com",
    });
  });
});

describe("what passes is waited out", () => {
  it.each([
    ["throttling", errors.throttled],
    ["a server error", errors.serverError],
    ["a timeout of the server", errors.timeout],
  ])("%s", async (_, answer) => {
    azurite.fail({ method: "PUT", times: 3, answer });
    await copies().write(uri, bytes, facts);
    expect(asked()).toHaveLength(5);
  });

  it("a connection that is reset", async () => {
    azurite.fail({ connection: "reset", times: 2 });
    await copies().write(uri, bytes, facts);
  });

  it("an attempt without an answer", async () => {
    azurite.fail({ method: "PUT", connection: "hang" });
    await copies({ attempt: 200 }).write(uri, bytes, facts);
    expect(asked()).toEqual(["PUT without an answer", "PUT 201", "GET 200"]);
  });

  it("a role assignment that has not taken effect, with one line about it", async () => {
    azurite.fail({ method: "PUT", times: 3, answer: errors.noPermission });
    await copies({ notReady: [1] }).write(uri, bytes, facts);
    expect(printed).toEqual([
      `Waiting up to 10 s for a role assignment in ${new URL(azurite.url).host} to take effect.`,
    ]);
  });
});

describe("a failure says what was asked, what came back and what to do", () => {
  it.each([
    [
      "no permission",
      errors.noPermission,
      "copy-forbidden",
      /: 403 AuthorizationPermissionMismatch\. Grant the role Storage Blob Data Contributor/,
    ],
    ["a firewall", errors.firewall, "copy-firewall", /: 403 AuthorizationFailure\. Add this machine's address/],
    [
      "throttling without an end",
      errors.throttled,
      "copy-throttled",
      /: 503 ServerBusy\. The storage account is throttled/,
    ],
    ["a failing service", errors.serverError, "copy-unavailable", /: 500 InternalError\. The storage account failed/],
    ["an immutable blob", errors.immutable, "copy-failed", /: 409 BlobImmutableDueToPolicy\. Check the place/],
  ])("%s", async (_, answer, code, message) => {
    azurite.fail({ times: 20, answer });
    const error = await failureOf(copies().write(uri, bytes, facts));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(new RegExp(`^Could not write the copy ${uri}: .*\\(.*request id [\\w-]+\\)$`));
    expect(error.reason).not.toContain("request id");
    expect(userError(error).message).toContain(`troubleshooting.md#${code}`);
  });

  it("no container", async () => {
    const error = await failureOf(copies().write(uri.replace("/backups/", "/elsewhere/"), bytes, facts));
    expect(error.code).toBe("copy-place-missing");
    expect(error.message).toContain("404 ContainerNotFound. Create the container or the directory, or correct copyTo.");
  });

  it("no copy to read", async () => {
    expect((await failureOf(copies().read(uri, sha256))).code).toBe("copy-missing");
  });

  it("no token that is accepted", async () => {
    azurite.fail({ times: 5, answer: errors.noAuthentication(service.identity.tenantId) });
    expect((await failureOf(copies().write(uri, bytes, facts))).code).toBe("copy-unauthorized");
  });

  it("no token", async () => {
    const getToken = () =>
      Promise.reject(Object.assign(new Error("no token from x: y. Log in."), { name: "CredentialError" }));
    const waits = { operation: 1_000, read: 1_000, notReady: [60_000], transient: 1, attempt: 1_000 };
    const options = { allowOtherHosts: true, waits, clock: systemClock, print: () => undefined };
    const error = await failureOf(
      openCopies({ ...options, credential: () => ({ getToken }) }).write(uri, bytes, facts),
    );
    expect(error.code).toBe("copy-credential");
    expect(error.message).toContain(": no token from x: y. Log in.");
    expect(azurite.requests).toEqual([]);
  });

  it("no answer in time", async () => {
    azurite.fail({ times: 20, connection: "hang" });
    const error = await failureOf(copies({ operation: 300 }).write(uri, bytes, facts));
    expect(error.code).toBe("copy-timeout");
    expect(error.message).toContain("no whole answer came in time");
  });

  it("a connection that is reset without an end", async () => {
    azurite.fail({ times: 20, connection: "reset" });
    const error = await failureOf(copies().write(uri, bytes, facts));
    expect(error.code).toBe("copy-connection");
    expect(error.message).toContain("the connection failed (ECONNRESET)");
  });

  it("a host whose name does not resolve", async () => {
    const error = await failureOf(copies().write("https://nowhere.invalid/backups/a.keybackup", bytes, facts));
    expect(error.code).toBe("copy-connection");
    expect(error.message).toContain("the host name does not resolve (ENOTFOUND)");
  });

  it("a look that fails is no finding", async () => {
    azurite.fail({ times: 20, answer: errors.noPermission });
    const seen = await copies({ notReady: [1] }).look(uri);
    expect(seen).toMatchObject({ kind: "unreachable", error: { code: "copy-forbidden" } });
    expect(asked()).toEqual(["HEAD 403"]);
  });
});

describe("a token", () => {
  const strict = () =>
    openCopies({
      allowOtherHosts: false,
      waits: { operation: 1_000, read: 1_000, notReady: [60_000], transient: 1, attempt: 1_000 },
      clock: systemClock,
      print: () => undefined,
      credential: () => ({
        getToken: async () => {
          throw new Error("A token is asked for.");
        },
      }),
    });

  it("is not sent to a host outside Azure unless the configuration allows it", async () => {
    const error = await failureOf(strict().write(uri, bytes, facts));
    expect(error.code).toBe("copy-host");
    expect(userError(error).message).toContain("disableChallengeResourceVerification to true");
    expect(azurite.requests).toEqual([]);
  });

  it("does not follow a redirection to another host", async () => {
    const visits: string[] = [];
    const elsewhere = await listenOnLoopback(async (request, response) => {
      visits.push(request.url ?? "");
      response.end();
    }, service.certificate);
    azurite.fail({ redirectTo: `https://127.0.0.1:${elsewhere.port}`, times: 5 });
    await failureOf(copies().read(uri, sha256));
    await failureOf(copies().write(uri, bytes, facts));
    expect(visits).toEqual([]);
    await elsewhere.close();
  });
});
