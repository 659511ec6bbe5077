/** What `installForTests` prepared; where it did not, an error, never a skipped suite. */
export function installed(): { readonly installed: string; readonly engine: string } {
  const { INSTALLED_FOR_TESTS, ENGINE_FOR_TESTS } = process.env;
  if (!INSTALLED_FOR_TESTS || !ENGINE_FOR_TESTS) {
    throw new Error("Neither package nor engine was prepared: run the suite by npm test.");
  }
  return { installed: INSTALLED_FOR_TESTS, engine: ENGINE_FOR_TESTS };
}
