import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createCertificate } from "../../../localVault/certificate";
import { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";
import { type LoopbackServer, listenOnLoopback, readBody, sendJson } from "../../../localVault/loopbackServer";
import { systemClock } from "../../../src/keyVault/connection/waits";
import { key } from "../../../src/objects/key";
import {
  type Curve,
  curves,
  type EllipticKey,
  ellipticKey,
  signDigest,
} from "../../support/keyVault/ellipticSignature";
import { attemptsAt, objectVersion } from "../../support/keyVault/proofs";
import { trustLocalCertificate } from "../../support/trustLocalCertificate";

let service: LocalKeyVault;
/** Only its tokens are used. */
let local: LocalVault;

beforeAll(async () => {
  service = await LocalKeyVault.start();
  local = await service.createVault();
  trustLocalCertificate(service.certificatePem);
});
afterAll(() => service.stop());

describe.each(Object.keys(curves) as Curve[])("a key on the curve %s", (curve) => {
  const { algorithm, digestBytes } = curves[curve];
  const version = "a".repeat(32);
  let server: LoopbackServer;
  let published: EllipticKey;
  let signing: EllipticKey;
  let asked: { alg: string; value: string }[];

  beforeAll(async () => {
    const certificate = await createCertificate();
    trustLocalCertificate(certificate.certificatePem);
    server = await listenOnLoopback(async (request, response) => {
      const body = await readBody(request);
      if (request.headers.authorization === undefined) {
        response.setHeader(
          "www-authenticate",
          `Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"`,
        );
        sendJson(response, 401, {});
        return;
      }
      const kid = `https://localhost:${server.port}/keys/orders/${version}`;
      if (request.method === "GET") {
        const answered = { kid, kty: "EC-HSM", crv: curve, x: published.x, y: published.y, key_ops: ["sign"] };
        sendJson(response, 200, { key: answered, attributes: { enabled: true } });
        return;
      }
      const given = JSON.parse(body) as { alg: string; value: string };
      asked.push(given);
      const value = signDigest(curve, signing, Buffer.from(given.value, "base64url")).toString("base64url");
      sendJson(response, 200, { kid, value });
    }, certificate);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    published = ellipticKey(curve);
    signing = published;
    asked = [];
  });

  const proveIt = async () => {
    const vaultUri = `https://localhost:${server.port}/`;
    const copy = attemptsAt(service, local, { clock: systemClock, vaultUri });
    const tools = { name: "orders", versions: [objectVersion(version)], thumbprints: {}, copy, source: copy };
    return (await key.prove({ ...tools, now: () => Date.now() })).get(version);
  };

  it("is proved by a signature of a random digest that has the length of its algorithm", async () => {
    expect(await proveIt()).toEqual({ publicKey: "passed", privateKey: "passed" });
    await proveIt();
    expect(asked.map(({ alg }) => alg)).toEqual([algorithm, algorithm]);
    const [one = "", other = ""] = asked.map(({ value }) => value);
    expect(Buffer.from(one, "base64url")).toHaveLength(digestBytes);
    expect(one).not.toBe(other);
  });

  it("fails if another key signs", async () => {
    signing = ellipticKey(curve);
    expect((await proveIt())?.privateKey).toMatch(/^failed: its signature/);
  });
});
