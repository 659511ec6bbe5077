import type { TokenCredential } from "@azure/core-auth";
import { VaultConnection } from "../../keyVault/connection/vaultConnection";
import { defaultWaits, systemClock } from "../../keyVault/connection/waits";
import { credentialOf } from "../identity/credential";
import { readIdentitySettings } from "../identity/identitySettings";
import { readConfiguration, type StackConfig } from "./configuration";
import { printOnce } from "./messages";

/** Reaches a vault with the identity that the configuration and the environment choose. */
export type Connect = (vaultUri: string, config: StackConfig | undefined) => VaultConnection;

// The engine runs all resources of an update in one process: they share tokens, connections and throttling.
const credentials = new Map<string, TokenCredential>();
const connections = new Map<string, VaultConnection>();

/** @throws An error if the environment turns TLS verification off, or if the configuration is wrong. */
export const connect: Connect = (vaultUri, config) => {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    throw new Error(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 turns TLS verification off, so anybody could receive a token. Unset it, and set " +
        "NODE_EXTRA_CA_CERTS to a PEM file with the certificate of a proxy's or private cloud's authority.",
    );
  }
  const { disableChallengeResourceVerification, timeout, mistakes } = readConfiguration(config);
  if (mistakes.length > 0) {
    throw new Error(mistakes.join(" "));
  }
  const settings = readIdentitySettings((name, ...variables) =>
    [config?.get(`azure-native:${name}`), ...variables.map((variable) => process.env[variable])].find(
      (value) => value !== undefined && value !== "",
    ),
  );
  const identity = JSON.stringify(settings);
  const key = JSON.stringify([vaultUri, identity, disableChallengeResourceVerification, timeout]);
  const connection =
    connections.get(key) ??
    new VaultConnection({
      vaultUri,
      disableChallengeResourceVerification,
      waits: { ...defaultWaits, operation: timeout },
      clock: systemClock,
      print: printOnce,
      credential: (fresh) => {
        const credential = (fresh ? undefined : credentials.get(identity)) ?? credentialOf(settings);
        credentials.set(identity, credential);
        return credential;
      },
    });
  connections.set(key, connection);
  return connection;
};
