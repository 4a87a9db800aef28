/**
 * Blanks comments, and on request the contents of strings, in TypeScript text, so that rules look at code only. It knows comments, the three kinds of strings with
 * their escapes and `${}`, and regular expressions where one can begin. Every line break stays.
 */
class Stripper {
  #out = "";
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly blankStrings: boolean,
  ) {}

  strip(): string {
    this.#code(undefined);
    return this.#out;
  }

  /** Code, up to the end or to the brace that closes a `${`. */
  #code(end: "}" | undefined): void {
    let depth = 0;
    while (this.#at < this.text.length) {
      const here = this.text[this.#at] ?? "";
      if (end !== undefined && here === "}" && depth === 0) return;
      if (here === "{") depth++;
      if (here === "}") depth--;
      this.#step(here);
    }
  }

  #step(here: string): void {
    const pair = this.text.slice(this.#at, this.#at + 2);
    if (pair === "//") this.#blankTo(this.#indexOrEnd("\n", this.#at));
    else if (pair === "/*") this.#blankTo(this.#indexOrEnd("*/", this.#at + 2) + 2);
    else if (here === '"' || here === "'") this.#string(here);
    else if (here === "`") this.#template();
    else if (here === "/" && this.#beginsRegExp()) this.#regExp();
    else this.#keep(1);
  }

  #string(quote: string): void {
    this.#keep(1);
    while (this.#at < this.text.length && this.text[this.#at] !== quote && this.text[this.#at] !== "\n")
      this.#stringCharacter();
    this.#keep(1);
  }

  #template(): void {
    this.#keep(1);
    while (this.#at < this.text.length && this.text[this.#at] !== "`") {
      if (this.text.startsWith("${", this.#at)) {
        this.#keep(2);
        this.#code("}");
        this.#keep(1);
      } else this.#stringCharacter();
    }
    this.#keep(1);
  }

  #regExp(): void {
    let isClass = false;
    this.#keep(1);
    while (this.#at < this.text.length && this.text[this.#at] !== "\n" && (isClass || this.text[this.#at] !== "/")) {
      if (this.text[this.#at] === "[") isClass = true;
      if (this.text[this.#at] === "]") isClass = false;
      this.#stringCharacter();
    }
    this.#keep(1);
  }

  #stringCharacter(): void {
    const length = this.text[this.#at] === "\\" ? 2 : 1;
    if (this.blankStrings) this.#blankTo(this.#at + length);
    else this.#keep(length);
  }

  /** A slash after an operand divides; anywhere else it begins a regular expression. */
  #beginsRegExp(): boolean {
    const before = this.#out.trimEnd();
    return before === "" || /[(,=:[!&|?{};>]$|\b(?:return|of|in|case)$/.test(before);
  }

  #indexOrEnd(what: string, from: number): number {
    const index = this.text.indexOf(what, from);
    return index < 0 ? this.text.length : index;
  }

  #keep(count: number): void {
    this.#out += this.text.slice(this.#at, this.#at + count);
    this.#at += count;
  }

  #blankTo(end: number): void {
    this.#out += this.text.slice(this.#at, end).replaceAll(/[^\n]/g, " ");
    this.#at = Math.min(end, this.text.length);
  }
}

export function withoutComments(text: string): string {
  return new Stripper(text, false).strip();
}

export function withoutCommentsAndStrings(text: string): string {
  return new Stripper(text, true).strip();
}
