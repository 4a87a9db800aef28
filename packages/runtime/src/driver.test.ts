import type { BatchDone, BatchResult, Completion, Operation, OutgoingBatch } from "@vmcslab/nested";
import { expect, test } from "vitest";
import { Driver } from "./driver.js";
import type { InterconnectClient } from "./interconnect/port.js";

const BATCH: OutgoingBatch = { cpu: 0, operation: 1, instructions: [{ kind: "interrupt" }], askedAgain: true };
const COMPLETION: Completion = { id: 7, cpu: 0, results: [{ status: "skipped" }] };
const DOUBT: BatchResult = { ok: false, error: { code: "deadline", definite: false, message: "nobody knows" } };

/** Numbers its batches from 7, and leaves each in doubt; the completion is there when it is asked for again. */
class DoubtfulClient implements InterconnectClient {
  readonly cpu = 0;
  readonly incarnation = 1;
  readonly connected = true;
  readonly asked: number[] = [];

  constructor(private readonly say: (tell: () => void) => void) {}

  send(_batch: OutgoingBatch, done: BatchDone): number {
    this.say(() => done(DOUBT));
    return COMPLETION.id;
  }

  again(id: number, done: BatchDone): void {
    this.asked.push(id);
    done({ ok: true, completion: COMPLETION });
  }

  unresolved(): number[] {
    return [];
  }

  close(): void {}
}

function* askTwice(): Operation<readonly BatchResult[]> {
  const first = yield { kind: "batches", batches: [BATCH] };
  expect(first).toEqual([DOUBT]);
  return { ok: true, value: yield { kind: "again", batch: BATCH } };
}

test.each<[string, (tell: () => void) => void]>([
  ["before it has told its number", (tell) => tell()],
  ["later", (tell) => queueMicrotask(tell)],
])("a batch that its link leaves in doubt %s is asked for again by that number", async (_when, say) => {
  const client = new DoubtfulClient(say);
  const driver = new Driver();
  driver.attach(client);
  const answer = await driver.run(askTwice());
  expect(answer).toEqual({ ok: true, value: [{ ok: true, completion: COMPLETION }] });
  expect(client.asked).toEqual([7]);
});
