/** A whole number with a comma between its thousands. */
export function grouped(figure: number): string {
  return Math.round(figure).toLocaleString("en-US");
}
