import type { LocalKeyVault } from "../../../localVault/localKeyVault";
import type { LocalVault } from "../../../localVault/localVault";

export interface Json {
  readonly [name: string]: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json & { readonly error?: { code: string; message: string; innererror?: { code: string } } };
}

export interface Question {
  readonly token?: string | undefined;
  readonly body?: Json;
  readonly apiVersion?: string;
}

/** Asks a vault for `METHOD path` or `METHOD uri` with a token for the vault. */
export async function askVault(
  { identity }: LocalKeyVault,
  target: LocalVault,
  request: string,
  question: Question = {},
): Promise<Answered> {
  const [method = "", path = ""] = request.split(" ");
  const { body, apiVersion = "7.6" } = question;
  const token = "token" in question ? question.token : identity.accessToken(target.resource);
  const uri = path.startsWith("https:") ? path : `${target.vaultUri}${path}?api-version=${apiVersion}`;
  const response = await fetch(uri, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith("{") ? JSON.parse(text) : {},
  };
}
