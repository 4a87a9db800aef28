/** A stream that results are written to, by somebody who waits while it is full and stops when its reader has gone. */
import type { Writable } from "node:stream";

/** The reader closed its end: `vmcslab exec … | head`. Nobody is left to tell. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

export class Sink {
  readonly #stream: Writable;
  #failure: Error | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    const wake = (): void => this.#wake?.();
    stream.on("drain", wake);
    stream.on("close", wake);
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#failure = error.code === "EPIPE" ? new ReaderGone(error.message) : error;
      wake();
    });
  }

  /** Resolves when the stream can take more: its own limit decides how much it holds. */
  async write(text: string): Promise<void> {
    if (text === "") return;
    this.#check();
    if (this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream.destroyed) throw new ReaderGone("the output was closed");
  }
}
