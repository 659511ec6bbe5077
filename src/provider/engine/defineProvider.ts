import { randomUUID } from "node:crypto";
import type { Copies } from "../../copies/copies";
import type { SeenCopy } from "../../copies/copyStore";
import type { VaultConnection } from "../../keyVault/connection/vaultConnection";
import { type LookedUpObject, lookUp } from "../../keyVault/operations/lookUp";
import type { Attempt, ObjectKind } from "../../objects/objectKind";
import { attemptsOn } from "./attempts";
import { type Configuration, readConfiguration, type StackConfig } from "./configuration";
import { type Connect, connect, type ReachCopies, reachCopies } from "./connect";
import type { DynamicProvider } from "./dynamicProvider";
import type { Checked } from "./inputs";
import { type ConfigurationSource, explainBriefly, printOnce, userError, withoutStack } from "./messages";
import { onWire, type Properties } from "./values";

/** What a family may use of the world. Tests hand over their own. */
export interface Environment {
  /** The time, in milliseconds. */
  now(): number;
  readonly connect: Connect;
  readonly reachCopies: ReachCopies;
  /** Shows the user a line. */
  print(line: string): void;
  /** An id for a new resource. */
  newId(): string;
}

export const realEnvironment: Environment = {
  now: () => Date.now(),
  connect,
  reachCopies,
  print: printOnce,
  newId: randomUUID,
};

/** What an operation of a family works with. */
export interface Context {
  now(): number;
  /** Shows the user a line about an object. */
  print(uri: string, text: string): void;
  connect(vaultUri: string): VaultConnection;
  /** Copies outside the state. */
  copies(): Copies;
  /** Looks at a copy; a place that cannot even be connected to is unreachable. */
  lookAtCopy(uri: string): Promise<SeenCopy>;
  /** Looks an object up; a vault that cannot even be connected to is unreachable. */
  lookUp(kind: ObjectKind, vaultUri: string, name: string): Promise<LookedUpObject>;
  /** Requests about an object, which may fail. */
  attemptsOn(vaultUri: string, name: string): Attempt;
  /** What an error says, for a state to hold. */
  explain(error: unknown): string;
}

/** What every plan has. */
export interface AnyPlan {
  readonly kind: string;
}

/** A family of resources: how its inputs are checked, what is due, and how that is carried out. Records are properties. */
export interface Family<Plan extends AnyPlan> {
  /** The resource's class name. */
  readonly resource: string;
  check(declared: Properties, configuration: Configuration): Checked;
  /** Decides what is due; offline and pure. */
  plan(recorded: Properties, declared: Properties, now: number): Plan;
  /** The line for the user about a plan; undefined if the user needs no line. */
  explain(plan: Plan): string | undefined;
  /** URI of the object that a record is about. */
  uriOf(recorded: Properties): string;
  create(declared: Properties, context: Context): Promise<object>;
  /** Whether the properties are a record of the family, not only an id that somebody typed. */
  isRecord(recorded: Properties): boolean;
  read(recorded: Properties, context: Context): Promise<object>;
  update(recorded: Properties, declared: Properties, plan: Plan, context: Context): Promise<object>;
  delete(recorded: Properties, context: Context): Promise<void>;
}

/** A failure whose record is kept all the same: the engine stores it, and calls the next update. */
export class RecordedFailure extends Error {
  override readonly name = "RecordedFailure";
  readonly record: object;

  constructor(message: string, record: object) {
    super(message);
    this.record = record;
  }
}

/** The provider of a family, as the text in a state calls it. */
export function defineProvider<Plan extends AnyPlan>(
  family: Family<Plan>,
  environment: Environment = realEnvironment,
): DynamicProvider {
  const { now, print, newId } = environment;
  const { resource } = family;

  const printAbout = (uri: string, text: string) => print(`${resource} ${uri}: ${text}`);

  function contextOf(config: StackConfig | undefined, source: ConfigurationSource): Context {
    const explain = (error: unknown) => explainBriefly(error, source);
    const connectTo = (vaultUri: string) => environment.connect(vaultUri, config);
    return {
      now,
      print: printAbout,
      connect: connectTo,
      copies: () => environment.reachCopies(config),
      async lookAtCopy(uri) {
        try {
          return await environment.reachCopies(config).look(uri);
        } catch (error) {
          return { kind: "unreachable", error };
        }
      },
      explain,
      attemptsOn: (vaultUri, name) => attemptsOn(() => connectTo(vaultUri), name, explain),
      async lookUp(kind, vaultUri, name) {
        try {
          const found = await lookUp(connectTo(vaultUri), kind, name);
          return found.kind === "unreachable" ? { ...found, because: explain(found.error) } : found;
        } catch (error) {
          return { kind: "unreachable", because: explain(error), error };
        }
      },
    };
  }

  function planFor(recorded: Properties, declared: Properties): Plan {
    return family.plan(recorded, declared, now());
  }

  return {
    async check(_olds, news, config) {
      const configuration = readConfiguration(config);
      const { inputs, mistakes } = family.check(news, configuration);
      const reasons = [...configuration.mistakes, ...mistakes];
      // The engine prints the value of a property that a failure names, even if the value is secret.
      return { inputs: onWire(inputs), failures: reasons.map((reason) => ({ property: "", reason })) };
    },

    async diff(_id, olds, news) {
      const plan = planFor(olds, news);
      const explanation = family.explain(plan);
      if (explanation !== undefined) {
        printAbout(family.uriOf(olds), `${explanation}.`);
      }
      return { changes: plan.kind !== "unchanged" };
    },

    async create(inputs, config) {
      const id = newId();
      const outs = await recordOrFail(id, inputs, () => family.create(inputs, contextOf(config, "program")));
      return { id, outs };
    },

    async read(id, props, config) {
      if (!family.isRecord(props)) {
        throw withoutStack(
          `${resource} "${id}" is not in the state. A ${resource} exists only in the state that made it: ${resource}.get and ` +
            "pulumi import are not available.",
        );
      }
      const { __provider, ...recorded } = props;
      return { id, props: onWire(await family.read(recorded, contextOf(config, "state"))) };
    },

    async update(id, olds, news, config) {
      const plan = planFor(olds, news);
      const context = contextOf(config, "program");
      return { outs: await recordOrFail(id, news, () => family.update(olds, news, plan, context)) };
    },

    async delete(_id, props, config) {
      try {
        await family.delete(props, contextOf(config, "state"));
      } catch (error) {
        throw userError(error, "state");
      }
    },
  };
}

async function recordOrFail(
  id: string,
  inputs: Properties,
  act: () => Promise<object>,
): Promise<Record<string, unknown>> {
  try {
    return onWire(await act());
  } catch (error) {
    if (error instanceof RecordedFailure) {
      // The engine reads an error with an id as a resource that is there and not initialized.
      const properties = { ...onWire(error.record), __provider: inputs.__provider };
      throw Object.assign(withoutStack(error.message), { id, properties, reasons: [error.message] });
    }
    throw userError(error);
  }
}
