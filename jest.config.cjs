const transform = {
  "^.+\\.tsx?$": [
    "@swc/jest",
    {
      jsc: { parser: { syntax: "typescript" }, target: "es2023" },
      module: { type: "commonjs", ignoreDynamic: true },
    },
  ],
};

const suite = (name) => ({
  displayName: name,
  testEnvironment: "node",
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform,
});

/** @type {import("jest").Config} */
module.exports = {
  coverageProvider: "v8",
  collectCoverageFrom: ["src/**/*.ts"],
  projects: ["unit", "integration", "e2e"].map(suite),
};
