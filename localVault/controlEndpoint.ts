import type { IncomingMessage } from "node:http";
import type { KeyType } from "./keyMaterial";
import type { Tags } from "./keyStore";
import type { LocalKeyVault } from "./localKeyVault";
import type { LocalVault } from "./localVault";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody, sendJson } from "./loopbackServer";
import type { VaultKind } from "./vaultOptions";

interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface ControlRequest {
  readonly method: string;
  readonly keyName: string;
  readonly body: Record<string, unknown>;
}

const ok = (body: unknown): ControlAnswer => ({ status: 200, body });
const failed = (status: number, error: string): ControlAnswer => ({ status, body: { error } });

/**
 * Takes the place of Azure Resource Manager: other processes create and remove vaults and keys here.
 *
 *     PUT | GET | DELETE   /vaults/{name}                   { kind? }
 *     PUT                  /vaults/{name}/role              { propagationMilliseconds }
 *     PUT | GET | DELETE   /vaults/{name}/keys/{key}        { kty?, tags? }
 *     POST                 /vaults/{name}/keys/{key}/rotate
 *     PUT                  /vaults/{name}/keys/{key}/tags   { tags }, or the tags themselves
 */
export function startControlEndpoint(service: LocalKeyVault): Promise<LoopbackServer> {
  return listenOnLoopback(async (request, response) => {
    const { status, body } = await answer(service, request);
    sendJson(response, status, body);
  });
}

async function answer(service: LocalKeyVault, request: IncomingMessage): Promise<ControlAnswer> {
  const text = await readBody(request);
  const body = text === "" ? {} : parseObject(text);
  if (body === undefined) return failed(400, "The body is not a JSON object");
  const method = request.method ?? "GET";
  const [path = ""] = (request.url ?? "/").split("?");
  const [collection, vaultName, part, keyName, action] = path.split("/").filter(Boolean).map(decodeURIComponent);
  if (collection !== "vaults" || vaultName === undefined) return failed(404, "There is nothing here");
  if (part === undefined)
    return answerVault(service, method, vaultName, body.kind === "managedHsm" ? "managedHsm" : "vault");
  const vault = service.vault(vaultName);
  if (vault === undefined) return failed(404, `There is no vault ${vaultName}`);
  if (part === "role" && method === "PUT") {
    vault.grantAfter({ milliseconds: Number(body.propagationMilliseconds ?? 0) });
    return ok({ name: vaultName });
  }
  if (part === "keys" && keyName !== undefined) return answerKey(vault, action, { method, keyName, body });
  return failed(404, "There is nothing here");
}

async function answerVault(
  service: LocalKeyVault,
  method: string,
  name: string,
  kind: VaultKind,
): Promise<ControlAnswer> {
  const described = ({ vaultUri }: LocalVault) => ok({ name, vaultUri });
  switch (method) {
    case "PUT":
      return described(await service.ensureVault(name, { kind }));
    case "GET": {
      const vault = service.vault(name);
      return vault ? described(vault) : failed(404, `There is no vault ${name}`);
    }
    case "DELETE":
      return (await service.deleteVault(name)) ? ok({}) : failed(404, `There is no vault ${name}`);
    default:
      return failed(405, `${method} is not served`);
  }
}

async function answerKey(
  vault: LocalVault,
  action: string | undefined,
  { method, keyName, body }: ControlRequest,
): Promise<ControlAnswer> {
  const described = (): ControlAnswer => {
    const latest = vault.keyVersions(keyName).at(-1);
    return latest ? ok({ keyName, ...latest }) : failed(404, `There is no key ${keyName}`);
  };
  if (!vault.hasKey(keyName) && !(method === "PUT" && action === undefined)) return described();
  switch (`${method} ${action ?? ""}`) {
    case "PUT ":
      if (vault.isDeleted(keyName)) return failed(409, `Key ${keyName} is soft-deleted`);
      if (!vault.hasKey(keyName)) {
        await vault.createKey(keyName, {
          kty: (body.kty as KeyType | undefined) ?? "EC",
          tags: (body.tags ?? {}) as Tags,
        });
      }
      return described();
    case "GET ":
      return described();
    case "DELETE ":
      vault.deleteKey(keyName);
      return ok({});
    case "POST rotate":
      await vault.rotateKey(keyName);
      return described();
    case "PUT tags":
      vault.updateKey(keyName, undefined, { tags: (body.tags ?? body) as Tags });
      return described();
    default:
      return failed(405, `${method} is not served`);
  }
}
