import path from "node:path";

export interface PulumiEnvironmentOptions {
  /** The folder of the engine. */
  readonly engine: string;
  /** Further folders for PATH, before the engine's. */
  readonly plugins?: readonly string[];
  /** Folders that exist. */
  readonly home: string;
  readonly backend: string;
  readonly env: Readonly<Record<string, string>>;
}

// No variable of this machine decides who runs a program, or where its state goes.
const foreign = /^(ARM_|AZURE_|ACTIONS_|IDENTITY_|MSI_|PULUMI_|npm_|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|JEST_)/;

/** The environment in which the Pulumi CLI runs with an engine, a home and a backend of its own. */
export function pulumiEnvironment(options: PulumiEnvironmentOptions): NodeJS.ProcessEnv {
  const { engine, plugins = [], home, backend, env } = options;
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase for stacks of tests",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...env,
    // The engine's folder may hold a Node.js of its own: the one of this process comes first.
    PATH: [path.dirname(process.execPath), ...plugins, engine, process.env.PATH].join(path.delimiter),
  };
}
