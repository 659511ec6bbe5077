import * as pulumi from "@pulumi/pulumi";
import { KeyBackup } from "pulumi-azure-keyvault-backup";

const backup = new KeyBackup("key", { keyUri: new pulumi.Config().require("keyUri") });

export const { keyUriWithVersion, keyVersions, backedUpAt, blobSha256, blob } = backup;
