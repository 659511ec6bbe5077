import path from "node:path";

export interface PulumiEnvironmentOptions {
  /** The folder of the engine. */
  readonly engine: string;
  /** Further folders for PATH, before the folder of the engine. */
  readonly plugins?: readonly string[];
  /** The home of the CLI; the folder must exist. */
  readonly home: string;
  /** Where the states are stored; the folder must exist. */
  readonly backend: string;
  /** Where commands write temporary files; the folder must exist. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
}

// Variables that choose an identity, a backend or Node.js options: those of this machine must not reach the program.
const foreign = /^(ARM_|AZURE_|ACTIONS_|IDENTITY_|MSI_|PULUMI_|npm_|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|JEST_)/;

/** An environment that gives the Pulumi CLI its own engine, home and backend. */
export function pulumiEnvironment(options: PulumiEnvironmentOptions): NodeJS.ProcessEnv {
  const { engine, plugins = [], home, backend, temporary, env } = options;
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    TMPDIR: temporary,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase for stacks of tests",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...env,
    // The folder of the engine may contain another Node.js: the one that runs this process comes first.
    PATH: [path.dirname(process.execPath), ...plugins, engine, process.env.PATH].join(path.delimiter),
  };
}
