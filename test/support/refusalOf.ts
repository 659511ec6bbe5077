export interface Refusal {
  readonly statusCode: number | undefined;
  readonly code: string | undefined;
  readonly innerCode: string | undefined;
  readonly message: string | undefined;
}

/** What the SDK makes of the service's refusal; all undefined where the attempt succeeds. */
export async function refusalOf(attempt: Promise<unknown>): Promise<Refusal> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const { statusCode, code, message, details } = (error ?? {}) as Partial<Refusal> & {
    readonly details?: { readonly error?: { readonly innerError?: { readonly code?: string } } };
  };
  return { statusCode, code, message, innerCode: details?.error?.innerError?.code };
}
