import type { TokenCredential } from "@azure/core-auth";
import { Vault } from "../keyVault/vault";
import { defaultWaits } from "../keyVault/vaultConnection";
import { readConfiguration, type StackConfig } from "./configuration";
import { credentialOf } from "./credential";
import { readIdentitySettings } from "./identitySettings";
import { withoutStack } from "./withoutStack";

// The engine runs all resources of an update in one process, so that they share tokens, connections and throttling.
const credentials = new Map<string, TokenCredential>();
const vaults = new Map<string, Vault>();

/**
 * The vault as the stack's identity sees it: one for all resources of the process.
 *
 * @throws An error where the environment turns TLS verification off, or the configuration has a mistake.
 */
export function vaultOf(vaultUri: string, config: StackConfig): Vault {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    throw withoutStack(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS verification off, so that a token could go to anybody: unset it. " +
        "A proxy's or private cloud's authority goes into NODE_EXTRA_CA_CERTS.",
    );
  }
  const { disableChallengeResourceVerification, timeout, mistakes } = readConfiguration(config);
  if (mistakes.length > 0) {
    throw withoutStack(mistakes.join(" "));
  }
  const settings = readIdentitySettings((name, ...variables) =>
    [config?.get(`azure-native:${name}`), ...variables.map((variable) => process.env[variable])].find(
      (value) => value !== undefined && value !== "",
    ),
  );
  const identity = JSON.stringify(settings);
  const key = JSON.stringify([vaultUri, identity, disableChallengeResourceVerification, timeout]);
  const vault =
    vaults.get(key) ??
    new Vault({
      vaultUri,
      disableChallengeResourceVerification,
      waits: { ...defaultWaits, operation: timeout },
      say: (line) => process.stdout.write(`${line}\n`),
      credential: (fresh) => {
        const credential = (fresh ? undefined : credentials.get(identity)) ?? credentialOf(settings);
        credentials.set(identity, credential);
        return credential;
      },
    });
  vaults.set(key, vault);
  return vault;
}
