/** Colours. They are never the only sign of anything. */
const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BOLD = 1;

export class Palette {
  readonly #colour: boolean;

  constructor(colour: boolean) {
    this.#colour = colour;
  }

  verdict(verdict: "valid" | "invalid" | "unknown"): string {
    return this.#paint({ valid: GREEN, invalid: RED, unknown: YELLOW }[verdict], verdict);
  }

  met(met: boolean): string {
    return met ? this.#paint(GREEN, "met") : this.#paint(RED, "NOT MET");
  }

  head(text: string): string {
    return this.#paint(BOLD, text);
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
