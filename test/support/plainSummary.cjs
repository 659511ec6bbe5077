/** A Jest reporter: closes with a line that machines read, and fails a run in which anything was skipped. */
module.exports = class PlainSummary {
  #error;

  onRunComplete(
    _contexts,
    { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites },
  ) {
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const skipped = numPendingTests + numTodoTests;
    if (skipped > 0) {
      this.#error = new Error(`${skipped} tests were skipped.`);
    }
    process.stdout.write(`${numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  }

  getLastError() {
    return this.#error;
  }
};
