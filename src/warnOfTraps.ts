import { readFileSync } from "node:fs";
import path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { KeyBackup } from "./keyBackup";

// Key Vault fails to back up a key of more than 500 versions.
const manyVersions = 400;

const warned = new Set<string>();

/** Warns of what would make a backup fail or useless later: once per key or vault, in each preview and update. */
export function warnOfTraps(backup: KeyBackup): void {
  pulumi.all([backup.keyUri, backup.keyVersions]).apply(([keyUri, versions]) => {
    if (versions !== undefined && versions.length > manyVersions) {
      warnOnce(
        backup,
        `${keyUri} has ${versions.length} versions, and Key Vault fails to back up a key of more than 500. Versions ` +
          "cannot be deleted: create a new key in time.",
      );
    }
  });
  const secretsHost = hostOfSecretsProvider(process.cwd(), pulumi.getStack());
  backup.vaultUri.apply((vaultUri) => {
    if (secretsHost !== undefined && URL.canParse(vaultUri) && new URL(vaultUri).host === secretsHost) {
      warnOnce(
        backup,
        `The secrets of this stack are encrypted with a key in ${secretsHost} (secretsprovider), the vault whose key it ` +
          "backs up. Where that vault is lost, the state cannot be decrypted, nor the backup in it: use another secrets " +
          "provider (pulumi stack change-secrets-provider), or keep the blob outside the stack too.",
      );
    }
  });
}

function warnOnce(backup: KeyBackup, text: string): void {
  if (!warned.has(text)) {
    warned.add(text);
    void pulumi.log.warn(text, backup);
  }
}

/** The vault whose key encrypts the stack's secrets, if the stack's settings say so: `Pulumi.<stack>.yaml` by its default name. */
function hostOfSecretsProvider(folder: string, stack: string): string | undefined {
  const project = readFirst(folder, "Pulumi");
  if (project === undefined) {
    const parent = path.dirname(folder);
    return parent === folder ? undefined : hostOfSecretsProvider(parent, stack);
  }
  const configFolder = /^stackConfigDir: *["']?([^"'\r\n]+)/m.exec(project)?.[1] ?? ".";
  const settings = readFirst(path.resolve(folder, configFolder.trim()), `Pulumi.${stack}`);
  return /^\s*"?secretsprovider"?: *["']?azurekeyvault:\/\/([^/"'\s]+)/m.exec(settings ?? "")?.[1]?.toLowerCase();
}

function readFirst(folder: string, name: string): string | undefined {
  for (const extension of ["yaml", "yml", "json"]) {
    try {
      return readFileSync(path.join(folder, `${name}.${extension}`), "utf8");
    } catch {
      // There is none, or none that may be read: the engine tells what it cannot do without.
    }
  }
  return undefined;
}
