import { setTimeout } from "node:timers/promises";
import { outcomeOf } from "../backup/drill";
import { type DrillDue, drillDue } from "../backup/drillDue";
import { keyUriOf } from "../keyVault/keyReference";
import type { Vault } from "../keyVault/vault";
import { backupIn } from "./backupInput";
import { readConfiguration, type StackConfig } from "./configuration";
import { type DrillRecord, leftoverIn, recordedDrill } from "./drillRecord";
import type { DynamicProvider } from "./dynamicProvider";
import { messageOf } from "./messageOf";
import { checkRestoreDrill, declaredDrill } from "./restoreDrillInputs";
import { type Drill, type DrillResult, drillText, runDrill } from "./runDrill";
import { say } from "./say";
import { DrillRefused, removeLeftover } from "./scratchName";
import type { Properties } from "./shapes";
import { textIn } from "./valuesIn";
import { withoutStack } from "./withoutStack";
import { withoutUndefined } from "./withoutUndefined";

/**
 * @param now - The time, in milliseconds.
 * @param sleep - Waits for so many milliseconds.
 */
export function createRestoreDrillProvider(
  now: () => number,
  vaultOf: (vaultUri: string, config: StackConfig) => Vault,
  sleep: (milliseconds: number) => Promise<unknown> = setTimeout,
): DynamicProvider {
  const time = { now, sleep: async (milliseconds: number) => void (await sleep(milliseconds)) };

  /** Runs the drill. A failure is told by an error that carries the record, so that the engine keeps both. */
  async function run(inputs: Properties, recorded: Properties, config: StackConfig) {
    const drill = drillOf(inputs, recorded);
    const { vaultUri, keyName } = drill.name;
    const id = keyUriOf(drill.name);
    const { sourceVaultUri } = drill.backup;
    const startedAt = now();
    const result = await runDrill(drill, {
      ...time,
      scratch: vaultOf(vaultUri, config),
      source: sourceVaultUri === undefined ? undefined : vaultOf(sourceVaultUri, config),
      patience: readConfiguration(config).timeout,
    }).catch((error: unknown) => {
      throw error instanceof DrillRefused ? refused(vaultUri, keyName, error.message) : error;
    });
    const record = recordOf(drill, inputs, result, startedAt, now());
    const outs = withoutUndefined(record);
    if (record.outcome !== "failed") {
      if (result.leftover !== undefined) {
        say("RestoreDrill", id, `warning: ${drillText({ ...result, checks: [] })}`);
      }
      return { id, outs };
    }
    const text =
      `The restore drill of key "${keyName}" in ${new URL(vaultUri).host} failed, of the backup whose SHA-256 is ` +
      `${record.blobSha256}: ${drillText(result)}`;
    if (inputs.onFailure === "record") {
      say("RestoreDrill", id, text);
      return { id, outs };
    }
    throw Object.assign(new Error(text), {
      id,
      properties: { ...outs, __provider: inputs.__provider },
      reasons: [text],
    });
  }

  return {
    /** Makes no call. */
    async check(_olds, news, config) {
      const configuration = readConfiguration(config);
      const { inputs, mistakes } = checkRestoreDrill(news, configuration.disableChallengeResourceVerification);
      const reasons = [...configuration.mistakes, ...mistakes];
      // The engine prints the value of a property that a failure names, even of a secret one.
      return { inputs: { ...inputs }, failures: reasons.map((reason) => ({ property: "", reason })) };
    },

    /** Makes no call, and tells why a drill is due. */
    async diff(id, olds, news) {
      const due = drillDue(recordedDrill(olds), declaredDrill(news), now());
      const explanation = explainDue(due);
      if (explanation !== undefined) {
        say("RestoreDrill", id, explanation);
      }
      return due.kind === "otherKey"
        ? { changes: true, replaces: [...due.properties] }
        : { changes: due.kind !== "none" };
    },

    async create(inputs, config) {
      return run(inputs, {}, config);
    },

    /** Makes no call: what a drill found does not change. */
    async read(id, props) {
      if (textIn(props.drilledAt) === undefined) {
        throw withoutStack(
          `${id}: a RestoreDrill exists only in the state that ran it: RestoreDrill.get and pulumi import are not offered.`,
        );
      }
      const { __provider, ...record } = props;
      return { id, props: record };
    },

    /** Runs the drill again: the engine asks for it where one is due, or the last one failed. */
    async update(_id, olds, news, config) {
      const { outs } = await run(news, olds, config);
      return { outs };
    },

    /** Removes the copy that the last drill left behind, if it did. */
    async delete(_id, props, config) {
      const leftover = leftoverIn(props);
      if (leftover?.command === undefined) {
        return;
      }
      const { vaultUri, keyName } = recordedDrill(props);
      const name = { vaultUri, keyName, keyVersions: [], owner: textIn(props.owner) ?? "", leftover };
      try {
        await removeLeftover(vaultOf(vaultUri, config), name, time);
      } catch (error) {
        const because = messageOf(error);
        throw withoutStack(
          `The copy ${leftover.keyUri}, which a drill left behind, could not be removed: ${because} Remove it: ` +
            `${leftover.command}. Then pulumi destroy, or pulumi state delete <urn>.`,
        );
      }
    },
  };
}

function drillOf(inputs: Properties, recorded: Properties): Drill {
  const backup = backupIn(inputs.backup);
  const { keyName = "", keyVersions } = backup;
  return {
    backup,
    allowSoftDeletedCopies: inputs.allowSoftDeletedCopies === true,
    name: {
      vaultUri: textIn(inputs.vaultUri) ?? "",
      keyName,
      keyVersions,
      owner: textIn(inputs.owner) ?? "",
      leftover: leftoverIn(recorded),
    },
  };
}

function recordOf(
  { backup, name }: Drill,
  { triggers }: Properties,
  { failure, checks, restoredVersions, leftover }: DrillResult,
  startedAt: number,
  endedAt: number,
): DrillRecord {
  const outcome = failure === undefined ? outcomeOf(checks) : "failed";
  const drilledAt = new Date(endedAt).toISOString();
  return {
    vaultUri: name.vaultUri,
    keyName: name.keyName,
    owner: name.owner,
    blobSha256: backup.blobSha256,
    triggers: Array.isArray(triggers) ? triggers : undefined,
    drilledAt,
    verifiedAt: outcome === "verified" ? drilledAt : undefined,
    outcome,
    failure,
    checks,
    durationMs: endedAt - startedAt,
    restoredVersions,
    leftover,
  };
}

function refused(vaultUri: string, keyName: string, because: string): Error {
  return new Error(`No restore drill of key "${keyName}" was run in ${new URL(vaultUri).host}: ${because}`);
}

function explainDue(due: DrillDue): string | undefined {
  switch (due.kind) {
    case "none":
      return undefined;
    case "run":
      return `a restore drill will be run, because ${due.because}.`;
    case "unknown":
      return `a restore drill may be run: ${due.names.join(" and ")} will be known during the update.`;
    case "otherKey":
      return `replaced by a drill of another key or in another vault, because ${due.properties.join(" and ")} changed.`;
    default:
      return due satisfies never;
  }
}
