import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import type { Certificate } from "../../../localVault/certificate";
import { provideAzurite } from "./provideAzurite";

export interface AzuriteProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const START_MILLISECONDS = 60_000;

// These choose another store, other accounts, a proxy or other options of Node.js.
const foreign = /^(AZURITE_|APPLICATIONINSIGHTS_|OTEL_|NODE_|JEST_|npm_|(https?|all|no)_proxy$)/i;

// The channel closes when the parent ends, however it ends.
const endWithParent = `data:text/javascript,${encodeURIComponent('process.once("disconnect", () => process.exit());')}`;

function spawnAzurite(program: string, files: { certificate: string; key: string }): Child {
  const options = [
    ...["--blobHost", "127.0.0.1", "--blobPort", "0"],
    ...["--cert", files.certificate, "--key", files.key, "--oauth", "basic"],
    ...["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"],
  ];
  return spawn(process.execPath, ["--import", endWithParent, program, ...options], {
    cwd: tmpdir(),
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name))),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  }) as Child;
}

function portOf(child: Child): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`Azurite ${what}. It printed:\n${printed}`));
    };
    const timer = setTimeout(fail, START_MILLISECONDS, `does not listen after ${START_MILLISECONDS} ms`);
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const port = /successfully listens on https:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream.off("data", read).resume();
      resolve(Number(port));
    };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", read);
    child.once("error", (error) => fail(`does not start: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended with ${signal ?? code}`));
  });
}

/** Nothing of the child keeps this process alive. */
function unref(child: Child): void {
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream instanceof Socket) stream.unref();
  }
}

async function kill(child: Child): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, "exit");
  // Asked to end, Azurite would wait for open connections, and it has nothing to save.
  child.kill("SIGKILL");
  await ended;
}

/** Azurite's blob service over TLS on a free port of 127.0.0.1. It stores in memory and ends with this process. */
export async function startAzuriteProcess(certificate: Certificate): Promise<AzuriteProcess> {
  const program = await provideAzurite({ progress: (line) => process.stderr.write(`${line}\n`) });
  const folder = await mkdtemp(path.join(tmpdir(), "azurite-"));
  const files = { certificate: path.join(folder, "certificate.pem"), key: path.join(folder, "key.pem") };
  let child: Child | undefined;
  try {
    await writeFile(files.certificate, certificate.certificatePem);
    await writeFile(files.key, certificate.privateKeyPem, { mode: 0o600 });
    child = spawnAzurite(program, files);
    const started = child;
    const port = await portOf(started);
    unref(started);
    return { pid: started.pid as number, port, stop: () => kill(started) };
  } catch (error) {
    if (child) await kill(child);
    throw error;
  } finally {
    // Azurite has read the files when it listens.
    await rm(folder, { recursive: true, force: true });
  }
}
