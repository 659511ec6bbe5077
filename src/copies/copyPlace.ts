import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Parsed } from "../keyVault/vaultUri";

/**
 * Parses where copies go: a container of Azure Blob Storage, with or without a prefix, or a directory. The value is canonical,
 * without a slash at its end.
 */
export function parseCopyPlace(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "file:") {
    return parseDirectory(text, url);
  }
  if (url?.protocol !== "https:") {
    return {
      mistakes: ["is neither https://{account}.blob.core.windows.net/{container} nor file:///{directory}"],
    };
  }
  const mistakes = [
    ...(url.username !== "" || url.password !== "" ? ["contains a user name or a password"] : []),
    ...(withoutSlash(url.pathname) === "" ? ["names no container"] : []),
    ...(/\/\/|%(?![0-9a-f]{2})/i.test(withoutSlash(url.pathname)) ? ["has an empty or a broken part in its path"] : []),
    ...queryMistakes(url),
  ];
  return mistakes.length > 0 ? { mistakes } : { value: `https://${url.host}${withoutSlash(url.pathname)}` };
}

function parseDirectory(text: string, url: URL): Parsed<string> {
  const mistakes = [
    ...(/^file:\/\/\//i.test(text) ? [] : ["must begin with file:/// (three slashes)"]),
    ...(withoutSlash(url.pathname) === "" ? ["names no directory"] : []),
    ...queryMistakes(url),
  ];
  try {
    const directory = fileURLToPath(`file://${withoutSlash(url.pathname)}`);
    if (mistakes.length === 0 && !directory.includes("\0")) {
      return { value: pathToFileURL(path.normalize(directory)).href };
    }
  } catch {
    // Encoded slashes and broken escapes.
  }
  return { mistakes: mistakes.length > 0 ? mistakes : ["is not a valid file URI"] };
}

// https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-endpoints
const azureHost =
  /^[a-z0-9-]+\.(z\d+\.)?blob\.(core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)$/;

/** Whether a copy, or a place for copies, is a directory's or is in Azure Blob Storage of a public cloud. */
export function isKnownHost(uri: string): boolean {
  const { protocol, host } = new URL(uri);
  return protocol === "file:" || azureHost.test(host);
}

function queryMistakes({ search, hash }: URL): string[] {
  return [
    ...(search !== ""
      ? ["has a query: remove it, because the identity of the stack is used, not a shared access signature"]
      : []),
    ...(hash !== "" ? ["has a fragment"] : []),
  ];
}

function withoutSlash(pathname: string): string {
  return pathname.replace(/\/+$/, "");
}
