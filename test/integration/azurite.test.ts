import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DefaultAzureCredential } from "@azure/identity";
import { AnonymousCredential, BlockBlobClient, type BlockBlobUploadOptions, type RestError } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Certificate } from "../../localVault/certificate";
import { LocalKeyVault } from "../../localVault/localKeyVault";
import { listenOnLoopback } from "../../localVault/loopbackServer";
import { startFaultProxy } from "../support/azurite/faultProxy";
import { provideAzurite } from "../support/azurite/provideAzurite";
import { type Azurite, startAzurite } from "../support/azurite/startAzurite";
import * as errors from "../support/azurite/storageErrors";
import { refusalOf } from "../support/refusalOf";
import { trustLocalCertificate } from "../support/trustLocalCertificate";
import { useIdentityOf } from "../support/useIdentityOf";

const content = Buffer.from("the blob of a backup");
const metadata = { keyname: "orders", sha256: "0123" };

let service: LocalKeyVault;
let certificate: Certificate;
let azurite: Azurite;
let credential: DefaultAzureCredential;
let blobPath: string;
let blobs = 0;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  certificate = service.certificate;
  trustLocalCertificate(certificate.certificatePem);
  useIdentityOf(service);
  credential = new DefaultAzureCredential();
  azurite = await startAzurite(certificate);
  await azurite.createContainer("backups");
});
afterAll(async () => {
  await azurite?.stop();
  await service.stop();
});
beforeEach(() => {
  blobs += 1;
  blobPath = `backups/orders/${blobs}.backup`;
  azurite.clearFaults();
  azurite.clearRequests();
});

/** A client of the blob, through the proxy. */
function client({ maxTries = 1, as = credential as BlockBlobClient["credential"] } = {}): BlockBlobClient {
  return new BlockBlobClient(`${azurite.url}/${blobPath}`, as, { retryOptions: { maxTries, retryDelayInMs: 1 } });
}

function upload(blob = client(), options: BlockBlobUploadOptions = {}) {
  return blob.upload(content, content.length, { conditions: { ifNoneMatch: "*" }, metadata, ...options });
}

const withToken = (token: string) => ({
  getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
});
const record = (method: string, status?: number) => ({ method, path: `/devstoreaccount1/${blobPath}`, status });

describe("the store", () => {
  it("accepts the token of the local identity, and stores a new blob with its metadata", async () => {
    await upload();
    expect(await azurite.read(blobPath)).toEqual({ bytes: content, metadata });
    expect(azurite.requests).toEqual([record("PUT", 201)]);
    expect(service.identity.tokensIssued).toEqual([
      expect.objectContaining({ grant: "managedIdentity", resource: "https://storage.azure.com" }),
    ]);
  });

  it("refuses to store a second blob under the name of the first", async () => {
    await upload();
    const second = client().upload("other", 5, { conditions: { ifNoneMatch: "*" } });
    expect(await refusalOf(second)).toMatchObject({ statusCode: 409, code: "BlobAlreadyExists" });
    expect(await azurite.read(blobPath)).toEqual({ bytes: content, metadata });
  });

  it("refuses a caller without a token, with a token for a vault, and with an expired one", async () => {
    const { identity } = service;
    const ofVault = withToken(identity.accessToken("https://vault.azure.net"));
    identity.tokenLifetimeSeconds = -60;
    const expired = withToken(identity.accessToken("https://storage.azure.com"));
    identity.tokenLifetimeSeconds = 86_400;
    const refused = { statusCode: 403, code: "AuthenticationFailed" };
    expect(await refusalOf(upload(client({ as: ofVault })))).toMatchObject(refused);
    expect(await refusalOf(upload(client({ as: expired })))).toMatchObject(refused);
    expect(await refusalOf(upload(client({ as: new AnonymousCredential() })))).toMatchObject({
      statusCode: 403,
      code: "AuthorizationFailure",
    });
    expect(await azurite.read(blobPath)).toBeUndefined();
  });

  it("lets its user list, overwrite and remove what others stored, past the proxy", async () => {
    await upload();
    expect(await azurite.list()).toContain(blobPath);
    await azurite.overwrite(blobPath, Buffer.from("damaged"));
    expect(await client().downloadToBuffer()).toEqual(Buffer.from("damaged"));
    expect(await azurite.read(blobPath)).toMatchObject({ metadata: {} });
    await azurite.remove(blobPath);
    expect(await azurite.list()).not.toContain(blobPath);
    expect(azurite.requests).toEqual([record("PUT", 201), record("HEAD", 200), record("GET", 206)]);
  });
});

describe("a refusal as the service words it", () => {
  it.each([
    errors.throttled,
    errors.serverError,
    errors.timeout,
    errors.noPermission,
    errors.firewall,
    errors.immutable,
  ])("is $status $code", async (answer) => {
    azurite.fail({ method: "PUT", answer });
    const { status: statusCode, code, message } = answer;
    const refusal = await refusalOf(upload());
    expect(refusal).toMatchObject({ statusCode, code, message: expect.stringContaining(`${message}\nRequestId:`) });
    expect(azurite.requests).toEqual([record("PUT", statusCode)]);
    expect(await azurite.read(blobPath)).toBeUndefined();
  });

  it("can ask to wait", async () => {
    azurite.fail({ answer: { ...errors.throttled, retryAfter: 7 } });
    const error = await upload().catch((reason: RestError) => reason);
    expect(error).toMatchObject({ details: { "retry-after": "7" } });
  });

  it("has its code only among the details where the answer has no body", async () => {
    azurite.fail({ method: "HEAD", answer: errors.noPermission });
    const error = await client()
      .getProperties()
      .catch((reason: RestError) => reason);
    expect(error).toMatchObject({ statusCode: 403, details: { errorCode: "AuthorizationPermissionMismatch" } });
    expect(error).toHaveProperty("code", undefined);
  });

  it("makes the SDK get another token if it is a challenge", async () => {
    azurite.fail({ answer: errors.noAuthentication(service.identity.tenantId) });
    await upload();
    expect(azurite.requests).toEqual([record("PUT", 401), record("PUT", 201)]);
    azurite.fail({ answer: errors.noAuthentication(service.identity.tenantId), times: 2 });
    expect(await refusalOf(upload())).toMatchObject({ statusCode: 401, code: "NoAuthenticationInformation" });
  });

  it("comes in the order of the announcements, as often as announced, to requests of its method", async () => {
    azurite.fail({ method: "GET", answer: errors.noPermission });
    azurite.fail({ method: "PUT", answer: errors.throttled, times: 2 });
    azurite.fail({ answer: errors.serverError });
    await upload(client({ maxTries: 4 }));
    expect(azurite.requests.map(({ status }) => status)).toEqual([503, 503, 500, 201]);
    expect(await refusalOf(client().download())).toMatchObject({ statusCode: 403 });
  });

  it("is forgotten when the faults are cleared", async () => {
    azurite.fail({ answer: errors.throttled, times: 9 });
    azurite.clearFaults();
    await upload();
  });
});

describe("a broken connection", () => {
  it("is reset before the store has the request", async () => {
    azurite.fail({ connection: "reset" });
    expect(await refusalOf(upload())).toMatchObject({ statusCode: undefined, code: "ECONNRESET" });
    expect(azurite.requests).toEqual([record("PUT")]);
    expect(await azurite.read(blobPath)).toBeUndefined();
  });

  it("loses the answer of what the store carried out", async () => {
    azurite.fail({ connection: "lostAnswer" });
    expect(await refusalOf(upload())).toMatchObject({ statusCode: undefined, code: "ECONNRESET" });
    expect(azurite.requests).toEqual([record("PUT")]);
    expect(await azurite.read(blobPath)).toEqual({ bytes: content, metadata });
  });

  it("makes an SDK that repeats the request meet the blob that it stored itself", async () => {
    azurite.fail({ connection: "lostAnswer" });
    expect(await refusalOf(upload(client({ maxTries: 2 })))).toMatchObject({ code: "BlobAlreadyExists" });
    expect(azurite.requests).toEqual([record("PUT"), record("PUT", 409)]);
  });

  it("cuts the body of an answer, which the SDK reports as an abort and does not repeat", async () => {
    await upload();
    azurite.fail({ connection: "truncated" });
    await expect(client({ maxTries: 4 }).downloadToBuffer()).rejects.toMatchObject({ name: "AbortError" });
    expect(azurite.requests).toEqual([record("PUT", 201), record("HEAD", 200), record("GET", 206)]);
    expect(await client().downloadToBuffer()).toEqual(content);
  });

  it("hangs until the caller gives up", async () => {
    azurite.fail({ connection: "hang" });
    await expect(upload(client(), { abortSignal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(azurite.requests).toEqual([record("PUT")]);
    expect(await azurite.read(blobPath)).toBeUndefined();
  });

  it("hangs no longer than the proxy runs", async () => {
    const proxy = await startFaultProxy(1, certificate);
    proxy.fail({ connection: "hang" });
    const waiting = fetch(`https://127.0.0.1:${proxy.port}/`).catch((error: Error) => error.message);
    for (let tries = 0; tries < 200 && proxy.requests.length === 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await proxy.stop();
    expect(await waiting).toBe("fetch failed");
  });
});

describe("a redirection to another origin", () => {
  it("is an answer that the SDK does not follow", async () => {
    let visits = 0;
    const elsewhere = await listenOnLoopback(async (_request, response) => {
      visits += 1;
      response.end();
    }, certificate);
    azurite.fail({ redirectTo: `https://127.0.0.1:${elsewhere.port}`, times: 2 });
    expect(await refusalOf(upload())).toMatchObject({ statusCode: 307 });
    expect(await refusalOf(client().download())).toMatchObject({ statusCode: 307 });
    expect(visits).toBe(0);
    await elsewhere.close();
  });
});

describe("the installation", () => {
  const main = "node_modules/azurite/dist/src/blob/main.js";
  let machine: string;
  let env: NodeJS.ProcessEnv;
  let cache: string;

  /** An npm that writes its own name and arguments as the program, and the lock only if told. */
  async function placeNpm(...lastSteps: string[]): Promise<void> {
    const npm = path.join(machine, "bin", "npm");
    const steps = [`mkdir -p ${path.dirname(main)}`, "sleep 0.2", `echo "npm $*" > ${main}`, ...lastSteps];
    await writeFile(npm, `#!/bin/sh\nset -e\n${steps.join("\n")}\n`);
    await chmod(npm, 0o755);
  }
  const writeLock = "echo '{}' > node_modules/.package-lock.json";

  beforeEach(async () => {
    machine = await mkdtemp(path.join(tmpdir(), "machine-"));
    await mkdir(path.join(machine, "bin"));
    env = { PATH: `${path.join(machine, "bin")}:/usr/bin:/bin`, XDG_CACHE_HOME: path.join(machine, "cache") };
    cache = path.join(machine, "cache", "pulumi-azure-keyvault-backup");
  });
  afterEach(() => rm(machine, { recursive: true, force: true }));

  it("is made once, also for two that need it at the same time, and leaves no other folder", async () => {
    await placeNpm(writeLock);
    const lines: string[] = [];
    const provide = () => provideAzurite({ env, progress: (line) => lines.push(line) });
    const [one, other] = await Promise.all([provide(), provide()]);
    expect(one).toBe(other);
    expect(await readFile(one, "utf8")).toBe("npm ci --omit=dev --ignore-scripts --no-audit --no-fund\n");
    expect(await readdir(cache)).toEqual([expect.stringMatching(/^azurite-3\.37\.0-[0-9a-f]{12}$/)]);
    expect(lines).toHaveLength(2);
    expect(await provide()).toBe(one);
    expect(lines).toHaveLength(2);
  });

  it("is not taken for whole when npm failed", async () => {
    await placeNpm("exit 1");
    await expect(provideAzurite({ env })).rejects.toThrow("npm ci");
    expect(await readdir(cache)).toEqual([]);
    await placeNpm(writeLock);
    await access(await provideAzurite({ env }));
  });

  it("is made again when it has lost files", async () => {
    await placeNpm(writeLock);
    const program = await provideAzurite({ env });
    await rm(program);
    expect(await provideAzurite({ env })).toBe(program);
    await access(program);
  });
});
