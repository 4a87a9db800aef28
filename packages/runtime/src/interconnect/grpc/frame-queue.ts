import type { Batch, ConnectRequest, ConnectResponse } from "../../generated/vmcslab/v1/interconnect.js";

/** Instructions and field values of the batches of one frame: so that what they flush fits into one as well. */
const WEIGHT_MAX = 4096;

/**
 * Batches on their way to one CPU. What is decided while the CPU has something to do goes out in one frame at the end of the turn of the event loop, because a frame costs more than what is in
 * it; what finds it idle, at once.
 */
export class FrameQueue {
  readonly #write: (frame: ConnectRequest) => void;
  #queued: Batch[] = [];
  #weight = 0;
  #lamport = 0n;
  #acknowledged = 0n;
  #isScheduled = false;
  /** As the CPU's welcome says. */
  #perFrame = 1;
  /** Numbers of the last batch that was written, and of the last one that was completed. */
  #written = 0n;
  #completed = 0n;

  constructor(write: (frame: ConnectRequest) => void) {
    this.#write = write;
  }

  send(request: ConnectRequest): void {
    const { frame, lamport, acknowledged } = request;
    if (frame?.$case !== "batch" || this.#perFrame === 1 || this.#isIdle) {
      this.#flush();
      if (frame?.$case === "batch") this.#wrote(frame.value);
      this.#write(request);
      return;
    }
    const weight = weightOf(frame.value);
    if (this.#weight + weight > WEIGHT_MAX) this.#flush();
    this.#queued.push(frame.value);
    this.#weight += weight;
    this.#lamport = lamport;
    this.#acknowledged = acknowledged;
    if (this.#queued.length >= this.#perFrame) this.#flush();
    else this.#schedule();
  }

  /** A frame came from the CPU; told before anybody else is. */
  received({ frame }: ConnectResponse): void {
    if (frame?.$case === "welcome") this.#perFrame = Math.max(1, frame.value.batchesPerFrame);
    else if (frame?.$case === "completion") this.#completedAt(frame.value.id);
    else if (frame?.$case === "completions") for (const { id } of frame.value.completions) this.#completedAt(id);
  }

  get #isIdle(): boolean {
    return this.#queued.length === 0 && this.#completed >= this.#written;
  }

  #completedAt(id: bigint): void {
    if (id > this.#completed) this.#completed = id;
  }

  #wrote({ id }: Batch): void {
    if (id > this.#written) this.#written = id;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the promises that go on because of what was received.
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const batches = this.#queued;
    const [first] = batches;
    if (first === undefined) return;
    this.#queued = [];
    this.#weight = 0;
    for (const batch of batches) this.#wrote(batch);
    const frame: ConnectRequest["frame"] =
      batches.length === 1 ? { $case: "batch", value: first } : { $case: "batches", value: { batches } };
    this.#write({ lamport: this.#lamport, acknowledged: this.#acknowledged, frame });
  }
}

function weightOf({ instructions }: Batch): number {
  return instructions.reduce((weight, { instruction }) => weight + 1 + valuesOf(instruction), 0);
}

function valuesOf(step: Batch["instructions"][number]["instruction"]): number {
  switch (step?.$case) {
    case "vmptrld":
      return step.value.image?.encodings.length ?? 0;
    case "vmwrite":
      return step.value.fields?.encodings.length ?? 0;
    case "vmread":
      return step.value.encodings.length;
    case "guestExit":
      return step.value.guest?.encodings.length ?? 0;
    default:
      return 0;
  }
}
