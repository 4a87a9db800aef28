import { JournalImage, type JournalRecord, type Remembered } from "@vmcslab/nested";
import {
  between,
  type CpuRegistration,
  type Journal,
  JournalDamaged,
  journalRecordFromWire,
  journalRecordToWire,
  journalWire,
  type Logger,
  toNumber,
} from "@vmcslab/runtime";

/** The journal is rewritten when this much was appended: short beside what a disk writes in a second, long beside what a busy L0 does. */
const REWRITE_BYTES = 16 * 1024 * 1024;

/** What L0 remembers beyond its own life: its records and where its CPUs were, in a {@link Journal}. */
export class DurableState {
  /** Undefined: there is nothing to remember. */
  readonly remembered: Remembered | undefined;
  /** CPUs as they had registered with the last life. */
  readonly cpus: readonly CpuRegistration[];
  /** Greater than any session before. */
  readonly session: number;
  readonly #journal: Journal;
  readonly #logger: Logger;
  readonly #image: JournalImage;
  readonly #addresses: Map<number, CpuRegistration>;
  readonly #life: number;
  #rewriting = false;
  #fail: (error: Error) => void = () => undefined;
  /** Ends with why nothing can be made durable any more: L0 must end, since nobody may be told of what it does. */
  readonly failed = new Promise<Error>((resolve) => {
    this.#fail = resolve;
  });

  private constructor(journal: Journal, read: Read, session: number, logger: Logger) {
    this.#journal = journal;
    this.#logger = logger;
    this.#image = read.image;
    this.#addresses = read.addresses;
    this.#life = read.lives;
    this.session = Math.max(session, read.session + 1);
    this.remembered = read.lives === 0 ? undefined : { image: read.image, life: read.lives };
    this.cpus = [...read.addresses.values()].filter(
      ({ cpu, incarnation }) => read.image.cpus.get(cpu)?.incarnation === incarnation,
    );
    this.#append({ $case: "life", value: { session: BigInt(this.session), life: BigInt(this.#life + 1) } });
  }

  /** `session`: what this life would be numbered with, were it the first. Rejects with JournalDamaged and JournalLost. */
  static async open(journal: Journal, session: number, logger: Logger): Promise<DurableState> {
    const read = readEntries(await journal.read());
    const state = new DurableState(journal, read, session, logger);
    await journal.durable();
    return state;
  }

  get pending(): number {
    return this.#journal.pending;
  }

  /** The core's ledger keeps the image up to date itself. */
  record(record: JournalRecord): void {
    this.#append({ $case: "record", value: journalRecordToWire(record) });
    if (this.#journal.appendedBytes > REWRITE_BYTES) this.#rewrite();
  }

  registered(cpu: CpuRegistration): void {
    this.#addresses.set(cpu.cpu, cpu);
    this.#append(addressEntry(cpu));
  }

  /** Never ends when the journal is lost: what is not durable is not answered. */
  durable(): Promise<void> {
    return new Promise((resolve) => {
      this.#journal.durable().then(resolve, (error: unknown) => this.#lost(error));
    });
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #append(entry: NonNullable<journalWire.JournalEntry["entry"]>): void {
    this.#journal.append(encode(entry));
  }

  #rewrite(): void {
    if (this.#rewriting) return;
    this.#rewriting = true;
    const life = { session: BigInt(this.session), life: BigInt(this.#life + 1) };
    const entries = [
      encode({ $case: "life", value: life }),
      ...[...this.#addresses.values()].map((cpu) => encode(addressEntry(cpu))),
      ...this.#image.records().map((record) => encode({ $case: "record", value: journalRecordToWire(record) })),
    ];
    this.#journal.replace(entries).then(
      () => {
        this.#rewriting = false;
      },
      (error: unknown) => this.#lost(error),
    );
  }

  #lost(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    this.#logger.error({ err: error }, "the journal is lost, and L0 ends");
    this.#fail(error);
  }
}

/** Lives of L0 that there can be: the upper part of an epoch. */
const LIVES_MAX = 2 ** 20;
const SESSION_MAX = 2 ** 52;

/** What is made from what the journal says. Throws JournalDamaged where that contradicts itself: no L0 can be as it says. */
export function fromJournal<T>(make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    throw new JournalDamaged(`the journal contradicts itself: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

interface Read {
  readonly image: JournalImage;
  readonly addresses: Map<number, CpuRegistration>;
  session: number;
  lives: number;
}

function readEntries(entries: readonly Uint8Array[]): Read {
  const read: Read = { image: new JournalImage(), addresses: new Map(), session: 0, lives: 0 };
  entries.forEach((bytes, index) => {
    try {
      apply(journalWire.JournalEntry.decode(bytes), read);
    } catch (thrown) {
      throw new JournalDamaged(`entry ${index} of the journal: ${thrown instanceof Error ? thrown.message : thrown}`);
    }
  });
  return read;
}

function apply({ entry }: journalWire.JournalEntry, read: Read): void {
  if (entry === undefined) throw new JournalDamaged("it says nothing that this version of vmcslab knows");
  if (entry.$case === "record") read.image.apply(journalRecordFromWire(entry.value));
  else if (entry.$case === "cpuAddress") {
    const { cpu, incarnation, address, model } = entry.value;
    read.addresses.set(cpu, { cpu, incarnation: toNumber(incarnation, "incarnation"), address, model });
  } else {
    read.session = between(toNumber(entry.value.session, "session"), 0, SESSION_MAX, "session");
    read.lives = between(toNumber(entry.value.life, "life"), 0, LIVES_MAX, "life");
  }
}

function addressEntry({
  cpu,
  incarnation,
  address,
  model,
}: CpuRegistration): NonNullable<journalWire.JournalEntry["entry"]> {
  return { $case: "cpuAddress", value: { cpu, incarnation: BigInt(incarnation), address, model } };
}

function encode(entry: NonNullable<journalWire.JournalEntry["entry"]>): Uint8Array {
  return journalWire.JournalEntry.encode({ entry }).finish();
}
