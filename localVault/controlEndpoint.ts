import type { IncomingMessage } from "node:http";
import type { LocalKeyVault } from "./localKeyVault";
import type { LocalVault } from "./localVault";
import { type LoopbackServer, listenOnLoopback, parseObject, readBody, sendJson } from "./loopbackServer";
import { type CollectionName, collectionNames } from "./objectKind";
import type { CommonChange, Tags } from "./storedObject";
import type { VaultKind } from "./vaultOptions";

interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface ControlRequest {
  readonly method: string;
  readonly collection: CollectionName;
  readonly objectName: string;
  readonly body: Record<string, unknown>;
}

const ok = (body: unknown): ControlAnswer => ({ status: 200, body });
const failed = (status: number, error: string): ControlAnswer => ({ status, body: { error } });

/**
 * Takes the place of Azure Resource Manager: other processes create and remove vaults and their objects here.
 *
 *     PUT | GET | DELETE   /vaults/{name}                              { kind? }
 *     PUT                  /vaults/{name}/role                         { propagationMilliseconds }
 *     PUT | GET | DELETE   /vaults/{name}/{collection}/{object}        { kty?, value?, contentType?, tags? }
 *     POST                 /vaults/{name}/{collection}/{object}/rotate
 *     PUT                  /vaults/{name}/{collection}/{object}/tags   { tags }, or the tags themselves
 *
 * A collection is `keys`, `secrets` or `certificates`.
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
  const [vaults, vaultName, part, objectName, action] = path.split("/").filter(Boolean).map(decodeURIComponent);
  if (vaults !== "vaults" || vaultName === undefined) return failed(404, "There is nothing here");
  if (part === undefined)
    return answerVault(service, method, vaultName, body.kind === "managedHsm" ? "managedHsm" : "vault");
  const vault = service.vault(vaultName);
  if (vault === undefined) return failed(404, `There is no vault ${vaultName}`);
  if (part === "role" && method === "PUT") {
    vault.grantAfter({ milliseconds: Number(body.propagationMilliseconds ?? 0) });
    return ok({ name: vaultName });
  }
  const collection = collectionNames.find((name) => name === part);
  if (collection && objectName !== undefined) {
    return answerObject(vault, action, { method, collection, objectName, body });
  }
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

async function answerObject(
  vault: LocalVault,
  action: string | undefined,
  { method, collection, objectName: name, body }: ControlRequest,
): Promise<ControlAnswer> {
  const objects = vault.collection(collection);
  const described = (): ControlAnswer => {
    const latest = objects.versions(name).at(-1);
    return latest ? ok({ name, ...latest }) : failed(404, `There is nothing named ${name} among the ${collection}`);
  };
  if (!objects.has(name) && !(method === "PUT" && action === undefined)) return described();
  switch (`${method} ${action ?? ""}`) {
    case "PUT ":
      if (objects.isDeleted(name)) return failed(409, `${name} is soft-deleted among the ${collection}`);
      if (objects.has(name)) await setValue(vault, collection, name, body);
      else await objects.create(name, body as CommonChange);
      return described();
    case "GET ":
      return described();
    case "DELETE ":
      objects.delete(name);
      return ok({});
    case "POST rotate":
      await objects.rotate(name);
      return described();
    case "PUT tags":
      objects.update(name, undefined, { tags: (body.tags ?? body) as Tags });
      return described();
    default:
      return failed(405, `${method} is not served`);
  }
}

/** A further PUT of a secret with another value makes a version, as in Azure. */
async function setValue(
  vault: LocalVault,
  collection: CollectionName,
  name: string,
  body: Record<string, unknown>,
): Promise<void> {
  if (collection !== "secrets" || typeof body.value !== "string" || body.value === vault.secrets.value(name)) return;
  await vault.secrets.create(name, body);
}
