const suite = (name, options = {}) => ({
  displayName: name,
  testEnvironment: "node",
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform: {
    "^.+\\.tsx?$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2023" },
        module: { type: "commonjs", ignoreDynamic: true },
      },
    ],
  },
  ...options,
});

const withPackage = {
  globalSetup: "<rootDir>/test/support/pulumi/installForTests.ts",
  globalTeardown: "<rootDir>/test/support/pulumi/removeInstalled.ts",
  setupFilesAfterEnv: ["<rootDir>/test/support/pulumi/allowMinutes.ts"],
};

/** @type {import("jest").Config} */
module.exports = {
  // Tests wait for engines and vaults more than they compute.
  maxWorkers: 2,
  // Many machines are slower, or busy.
  testTimeout: 30_000,
  coverageProvider: "v8",
  collectCoverageFrom: ["src/**/*.ts"],
  reporters: ["default", "<rootDir>/test/support/plainSummary.cjs"],
  projects: [suite("unit"), suite("integration", withPackage), suite("e2e", withPackage)],
};
