import type { KeyClient } from "@azure/keyvault-keys";
import { memberOf, parseJson } from "./parseJson";

/** A 200 that does not carry what the operation promises. */
export class MalformedAnswer extends Error {}

/** The backup as the service sends it: base64url. */
export async function downloadBackup(client: KeyClient, keyName: string, signal: AbortSignal): Promise<string> {
  let body: string | null | undefined;
  await client.backupKey(keyName, {
    abortSignal: signal,
    // Of a damaged value the client decodes what it can, and says nothing of the rest.
    onResponse: (response) => {
      body = response.bodyAsText;
    },
  });
  const blob = memberOf(parseJson(body), "value");
  if (typeof blob !== "string") {
    throw new MalformedAnswer("without the backup");
  }
  if (!isBase64Url(blob)) {
    throw new MalformedAnswer("with a backup that is not base64url");
  }
  return blob;
}

/** Whether the text is base64url of at least one byte (RFC 4648 §5), padded or not. */
function isBase64Url(text: string): boolean {
  const digits = text.replace(/={1,2}$/, "");
  return digits !== "" && digits.length % 4 !== 1 && /^[0-9a-zA-Z_-]+$/.test(digits);
}
