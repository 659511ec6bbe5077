import { provideEngine } from "./provideEngine";

provideEngine({ progress: (line) => process.stderr.write(`${line}\n`) }).then(
  ({ bin }) => process.stdout.write(`${bin}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
