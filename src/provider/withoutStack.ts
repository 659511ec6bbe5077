/** An error for `read` and `delete`, of whose errors the provider process prints the stack. */
export function withoutStack(message: string): Error {
  const error = new Error(message);
  error.stack = "";
  return error;
}
