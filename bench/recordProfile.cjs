// Every Node.js process of a command loads this file, through NODE_OPTIONS. Only the provider process records a CPU profile.
const { writeFileSync } = require("node:fs");
const { Session } = require("node:inspector");

if (process.argv[1]?.includes("dynamic-provider")) {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.start");
  // The engine interrupts the process at the end of a command. Node.js itself, with --cpu-prof, then writes nothing.
  process.once("SIGINT", () => {
    session.post("Profiler.stop", (error, stopped) => {
      if (error === null) {
        writeFileSync(process.env.BENCH_PROFILE, JSON.stringify(stopped.profile));
      }
      process.exit();
    });
  });
}
