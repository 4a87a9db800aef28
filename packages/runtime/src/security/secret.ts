import { createHash, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const SHOWN = "[secret]";

/** A value that shows itself to nobody who prints it, by whatever means: only to who asks for it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

/** What is kept of a token by whoever only has to recognise it: a token is random, so its digest does not give it away. */
export function digestOf(token: Secret): Buffer {
  return createHash("sha256").update(token.reveal()).digest();
}

/** Takes as long whatever the token is. */
export function isToken(presented: string, digest: Buffer): boolean {
  return timingSafeEqual(digestOf(new Secret(presented)), digest);
}
