import type { TokenCredential } from "@azure/core-auth";
import { type Copies, openCopies } from "../../copies/copies";
import { VaultConnection } from "../../keyVault/connection/vaultConnection";
import { defaultWaits, systemClock } from "../../keyVault/connection/waits";
import { credentialOf } from "../identity/credential";
import { readIdentitySettings } from "../identity/identitySettings";
import { readConfiguration, type StackConfig } from "./configuration";
import { printOnce } from "./messages";

/** Reaches a vault with the identity that the configuration and the environment choose. */
export type Connect = (vaultUri: string, config: StackConfig | undefined) => VaultConnection;

/** Reaches copies outside the state with the same identity. */
export type ReachCopies = (config: StackConfig | undefined) => Copies;

// The engine runs all resources of an update in one process: they share tokens, connections and throttling.
const credentials = new Map<string, TokenCredential>();
const connections = new Map<string, VaultConnection>();
const reached = new Map<string, Copies>();

/** @throws An error if the environment turns TLS verification off, or if the configuration is wrong. */
export const connect: Connect = (vaultUri, config) => {
  const { key, ...options } = sessionOf(config);
  const place = `${vaultUri} ${key}`;
  const connection = connections.get(place) ?? new VaultConnection({ vaultUri, ...options });
  connections.set(place, connection);
  return connection;
};

/** @throws An error if the environment turns TLS verification off, or if the configuration is wrong. */
export const reachCopies: ReachCopies = (config) => {
  const { key, disableChallengeResourceVerification, ...options } = sessionOf(config);
  const copies = reached.get(key) ?? openCopies({ allowOtherHosts: disableChallengeResourceVerification, ...options });
  reached.set(key, copies);
  return copies;
};

/** What a configuration says of all connections. `key`: the same for the same settings. */
function sessionOf(config: StackConfig | undefined) {
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
  return {
    key: JSON.stringify([identity, disableChallengeResourceVerification, timeout]),
    disableChallengeResourceVerification,
    waits: { ...defaultWaits, operation: timeout },
    clock: systemClock,
    print: printOnce,
    credential: (fresh: boolean) => {
      const credential = (fresh ? undefined : credentials.get(identity)) ?? credentialOf(settings);
      credentials.set(identity, credential);
      return credential;
    },
  };
}
