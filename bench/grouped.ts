/** A whole number with its thousands set apart. */
export function grouped(figure: number): string {
  return Math.round(figure).toLocaleString("en-US");
}
