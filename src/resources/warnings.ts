import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";

// Key Vault fails to back up an object with more than 500 versions.
const manyVersions = 400;

const warned = new Set<string>();

/** Warns once of an object with so many versions that its next backup may fail. */
export function warnOfManyVersions(resource: pulumi.Resource, uri: string, versions: number): void {
  if (versions > manyVersions) {
    warnOnce(
      resource,
      `${uri} has ${versions} versions, and Key Vault cannot back up an object with more than 500. Versions cannot be deleted: ` +
        "create a new object in time.",
    );
  }
}

/** Warns once if a key of the same vault encrypts the stack's secrets, the blob among them. */
export function warnOfSecretsProvider(resource: pulumi.Resource, vaultUri: string): void {
  const host = secretsProviderHost();
  if (host !== undefined && URL.canParse(vaultUri) && new URL(vaultUri).host === host) {
    warnOnce(
      resource,
      `The secrets of this stack are encrypted with a key in ${host}, the vault of this backup's source. If that vault is lost, ` +
        "the backup cannot be decrypted: use another secrets provider (pulumi stack change-secrets-provider).",
    );
  }
}

function warnOnce(resource: pulumi.Resource, text: string): void {
  if (!warned.has(text)) {
    warned.add(text);
    void pulumi.log.warn(text, resource);
  }
}

const hosts = new Map<string, string | undefined>();

/** The vault whose key encrypts the stack's secrets, as `Pulumi.<stack>.yaml` says. Read once. */
function secretsProviderHost(): string | undefined {
  const key = `${process.cwd()} ${pulumi.getStack()}`;
  if (!hosts.has(key)) {
    hosts.set(key, readSecretsProviderHost(process.cwd(), pulumi.getStack()));
  }
  return hosts.get(key);
}

function readSecretsProviderHost(folder: string, stack: string): string | undefined {
  const project = readFirst(folder, "Pulumi");
  if (project === undefined) {
    const parent = path.dirname(folder);
    return parent === folder ? undefined : readSecretsProviderHost(parent, stack);
  }
  const configFolder = /^stackConfigDir: *["']?([^"'\r\n]+)/m.exec(project)?.[1] ?? ".";
  const settings = readFirst(path.resolve(folder, configFolder.trim()), `Pulumi.${stack}`) ?? "";
  return /^\s*"?secretsprovider"?: *["']?azurekeyvault:\/\/([^/"'\s]+)/m.exec(settings)?.[1]?.toLowerCase();
}

function readFirst(folder: string, name: string): string | undefined {
  for (const extension of ["yaml", "yml", "json"]) {
    try {
      return readFileSync(path.join(folder, `${name}.${extension}`), "utf8");
    } catch {
      // The engine reports a file that it cannot do without.
    }
  }
  return undefined;
}
