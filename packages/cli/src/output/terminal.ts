/** What the terminal can take: colours, lines that are overwritten. */

/** Colours on a stream: NO_COLOR (no-color.org) comes first, then FORCE_COLOR, then whether it is a terminal. */
export function hasColour(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if ((env.NO_COLOR ?? "") !== "") return false;
  if ((env.FORCE_COLOR ?? "") !== "") return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** One line that is overwritten, instead of a line every few seconds. */
export function hasLiveLine(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env.TERM !== "dumb" && (env.CI ?? "") === "";
}
