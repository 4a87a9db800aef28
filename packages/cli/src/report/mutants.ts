/** The mistakes that explore can make on purpose. */
import { MUTANTS } from "@vmcslab/sim";
import { Palette } from "./palette.js";

export interface ListedMutant {
  readonly name: string;
  readonly origin: string;
}

export function mutantList(): ListedMutant[] {
  return MUTANTS.map(({ name, origin }) => ({ name, origin }));
}

/** For people: what each gets wrong, and what that breaks. */
export function formatMutants(colour: boolean): string {
  const palette = new Palette(colour);
  return MUTANTS.map(({ name, origin, says, breaks, fixedBy }) =>
    [
      `${palette.head(name)} (${origin})`,
      `  ${says}`,
      `  breaks ${breaks}`,
      ...(fixedBy === undefined ? [] : [`  mended by ${fixedBy}`]),
      "",
    ].join("\n"),
  ).join("");
}
