import type { Batch, BatchInstruction, BatchResult, Completion } from "@vmcslab/nested";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../clock.js";
import { LamportClock } from "../lamport.js";
import { serve } from "../rpc/serve.js";
import { InterconnectEndpoint } from "./endpoint.js";
import { grpcTarget } from "./grpc/target.js";
import { grpcTransport } from "./grpc/transport.js";
import { inProcessTarget } from "./in-process/target.js";
import { inProcessTransport } from "./in-process/transport.js";
import type { InterconnectTarget, Transport } from "./port.js";
import { InterconnectSession } from "./session.js";

const CLEAR: BatchInstruction = { kind: "vmclear", region: 0x5000, epoch: 7 };

/** A CPU that counts what it executes. */
class CountingTarget implements InterconnectTarget {
  readonly cpu = 3;
  incarnation = 100;
  readonly executed: number[] = [];
  readonly sessions: number[] = [];
  isLeased = true;
  readonly #completions = new Map<number, Completion>();

  holdsLease(): boolean {
    return this.isLeased;
  }

  open(session: number): undefined {
    this.sessions.push(session);
  }

  receive(batch: Batch): readonly Completion[] {
    const recorded = this.#completions.get(batch.id);
    if (recorded !== undefined) return [recorded];
    this.executed.push(batch.id);
    const completion = {
      id: batch.id,
      cpu: batch.cpu,
      results: batch.instructions.map(() => ({ status: "succeed" }) as const),
    };
    this.#completions.set(batch.id, completion);
    return [completion];
  }

  acknowledge(upTo: number): void {
    for (const id of this.#completions.keys()) if (id <= upTo) this.#completions.delete(id);
  }

  get retained(): number {
    return this.#completions.size;
  }
}

interface Wired {
  readonly transport: Transport;
  /** Completions do not arrive. */
  loseReplies: boolean;
  /** Streams that are opened carry nothing to the CPU. */
  holdOpens: boolean;
  /** Breaks the stream under both ends. */
  cut(): void;
}

/** A transport that loses frames on request and can be cut, around another. */
function faulty(inner: Transport): Wired {
  let current: { broken: () => void } | undefined;
  const wired: Wired = {
    loseReplies: false,
    holdOpens: false,
    cut: () => current?.broken(),
    transport: {
      open(receive, broken) {
        const link = inner.open(
          (frame) => {
            if (!(wired.loseReplies && frame.frame?.$case === "completion")) receive(frame);
          },
          (cause) => broken(cause),
        );
        current = {
          broken: () => {
            link.close();
            broken({ message: "cut", refused: false, gone: false });
          },
        };
        return wired.holdOpens ? { send: () => {}, close: () => link.close() } : link;
      },
      close: () => inner.close(),
    },
  };
  return wired;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function viaGrpc(endpoint: InterconnectEndpoint): Promise<Transport> {
  const target = grpcTarget(endpoint);
  const server = await serve({
    listen: "127.0.0.1:0",
    services: [target.service],
    clock: systemClock,
    drained: () => Promise.resolve(),
    closeStreams: () => target.close(),
  });
  cleanups.push(() => server.stop());
  return grpcTransport(server.address);
}

function viaProcess(endpoint: InterconnectEndpoint): Promise<Transport> {
  return Promise.resolve(inProcessTransport(inProcessTarget(endpoint)));
}

describe.each([
  ["grpc", viaGrpc],
  ["in-process", viaProcess],
])("interconnect session over %s", (_name, via) => {
  async function connect(session = 5, incarnation = 100) {
    const target = new CountingTarget();
    const endpoint = new InterconnectEndpoint(target, new LamportClock());
    const wired = faulty(await via(endpoint));
    const client = openSession(wired.transport, session, incarnation);
    return { target, endpoint, wired, ...client };
  }

  function openSession(transport: Transport, session: number, incarnation: number) {
    const lost: string[] = [];
    const refused: number[] = [];
    const lamport = new LamportClock();
    let markReady = (): void => undefined;
    const ready = new Promise<void>((resolve) => {
      markReady = resolve;
    });
    const client = new InterconnectSession({
      cpu: 3,
      incarnation,
      session,
      transport,
      clock: systemClock,
      lamport,
      onReady: () => markReady(),
      onLost: (reason) => lost.push(reason),
      onRefused: (_batch, { id }) => refused.push(id),
    });
    cleanups.push(() => client.close());
    const send = (deadlineMs = 2000): Promise<BatchResult> =>
      new Promise((resolve) => {
        const options = { deadlineMs };
        client.send({ cpu: 3, operation: 1, instructions: [CLEAR], askedAgain: true }, resolve, options);
      });
    const again = (id: number, deadlineMs = 2000): Promise<BatchResult> =>
      new Promise((resolve) => client.again(id, resolve, { deadlineMs }));
    return { client, lost, refused, lamport, ready, send, again };
  }

  test("batches sent before the stream is up arrive in order", async () => {
    const { target, send } = await connect();
    const results = await Promise.all([send(), send(), send()]);
    expect(results.map((result) => result.ok && result.completion.id)).toEqual([1, 2, 3]);
    expect(target.executed).toEqual([1, 2, 3]);
  });

  test("a completion is kept until the next batch acknowledges it", async () => {
    const { target, send } = await connect();
    await send();
    expect(target.retained).toBe(1);
    await send();
    expect(target.retained).toBe(1);
  });

  test("a lost reply ends in an indefinite deadline; asking again gives the recorded completion, executed once", async () => {
    const { target, wired, client, ready, send, again } = await connect();
    await ready;
    wired.loseReplies = true;
    const result = await send(50);
    expect(result).toMatchObject({
      ok: false,
      error: {
        code: "deadline",
        definite: false,
        message: "CPU 3 did not complete batch 1 within 50 ms; it may have executed it",
      },
    });
    expect(client.unresolved()).toEqual([1]);
    wired.loseReplies = false;
    expect(await again(1)).toMatchObject({ ok: true, completion: { id: 1 } });
    expect(target.executed).toEqual([1]);
    expect(client.unresolved()).toEqual([]);
  });

  test("an unresolved batch does not hold up later ones, and is not acknowledged", async () => {
    const { target, wired, ready, send, again } = await connect();
    await ready;
    wired.loseReplies = true;
    await send(50);
    wired.loseReplies = false;
    expect(await send()).toMatchObject({ ok: true, completion: { id: 2 } });
    expect(await send()).toMatchObject({ ok: true, completion: { id: 3 } });
    expect(target.retained).toBe(3);
    expect(await again(1)).toMatchObject({ ok: true, completion: { id: 1 } });
  });

  test("after a broken stream what was not completed goes out again and is executed once", async () => {
    const { target, wired, ready, send } = await connect();
    await ready;
    wired.loseReplies = true;
    const pending = [send(), send()];
    await systemClock.sleep(50);
    wired.loseReplies = false;
    wired.cut();
    const results = await Promise.all(pending);
    expect(results.map((result) => result.ok && result.completion.id)).toEqual([1, 2]);
    expect(target.executed).toEqual([1, 2]);
    expect(target.sessions).toEqual([5, 5]);
  });

  test("a batch that was never sent ends in a definite error", async () => {
    const target = new CountingTarget();
    const wired = faulty(await via(new InterconnectEndpoint(target, new LamportClock())));
    wired.holdOpens = true;
    const { send, client } = openSession(wired.transport, 5, 100);
    expect(await send(30)).toMatchObject({
      ok: false,
      error: {
        code: "cpuUnavailable",
        definite: true,
        message: "CPU 3 could not be reached within 30 ms; batch 1 was not sent",
      },
    });
    expect(client.unresolved()).toEqual([]);
    expect(target.executed).toEqual([]);
  });

  test("another incarnation ends every batch and says so once", async () => {
    const { target, wired, ready, send, lost } = await connect();
    await ready;
    wired.loseReplies = true;
    const pending = send();
    await systemClock.sleep(30);
    target.incarnation = 101;
    wired.cut();
    expect(await pending).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: false } });
    expect(lost).toEqual(["CPU 3 restarted: it is incarnation 101, it was 100"]);
    expect(await send()).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: true } });
  });

  test("a CPU without a lease executes nothing; what was sent is executed when it has one", async () => {
    const { target, ready, send, lost } = await connect();
    await ready;
    target.isLeased = false;
    const pending = send();
    await systemClock.sleep(50);
    expect(target.executed).toEqual([]);
    target.isLeased = true;
    expect(await pending).toMatchObject({ ok: true, completion: { id: 1 } });
    expect(lost).toEqual([]);
  });

  test("another life at its address that holds no lease yet says that the first is over", async () => {
    const { target, wired, ready, lost } = await connect();
    await ready;
    target.isLeased = false;
    target.incarnation = 101;
    wired.cut();
    await expect.poll(() => lost, { timeout: 5000 }).toEqual(["CPU 3 restarted: it is incarnation 101, it was 100"]);
  });

  test("a life that is over when a batch arrives executes it no more, and L0 hears why", async () => {
    const { target, ready, send, lost } = await connect();
    await ready;
    target.isLeased = false;
    target.incarnation = 101;
    expect(await send()).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: false } });
    expect(lost[0]).toMatch(/^CPU 3 refuses the interconnect: .*incarnation 100 of CPU 3 is over$/);
    expect(target.executed).toEqual([]);
  });

  test("what a CPU completes after it was given up is refused, and told once", async () => {
    const { target, ready, client, send, refused, lost } = await connect();
    await ready;
    const pending = send();
    client.giveUp("CPU 3 was fenced");
    expect(await pending).toMatchObject({ ok: false, error: { message: "CPU 3 was fenced", definite: false } });
    expect(await send()).toMatchObject({ ok: false, error: { code: "cpuUnavailable", definite: true } });
    await expect.poll(() => refused).toEqual([1]);
    expect(target.executed).toEqual([1]);
    expect(lost).toEqual([]);
  });

  test("an older session is refused and lost", async () => {
    const { endpoint, ready, target } = await connect(9);
    await ready;
    const old = openSession(await via(endpoint), 8, 100);
    expect(await old.send()).toMatchObject({ ok: false, error: { code: "cpuUnavailable" } });
    expect(old.lost[0]).toMatch(/^CPU 3 refuses the interconnect: .*session 8 was replaced by session 9$/);
    expect(target.sessions).toEqual([9]);
  });

  test("Lamport's clock travels with the frames", async () => {
    const { endpoint, lamport, send } = await connect();
    for (let i = 0; i < 10; i++) lamport.tick();
    await send();
    expect(endpoint.lamport.now).toBeGreaterThanOrEqual(10);
    for (let i = 0; i < 90; i++) endpoint.lamport.tick();
    await send();
    expect(lamport.now).toBe(endpoint.lamport.now);
  });
});

test("over grpc a life that ends takes its streams with it: L0 hears it without sending anything", async () => {
  const endpoint = new InterconnectEndpoint(new CountingTarget(), new LamportClock());
  const target = grpcTarget(endpoint);
  const drained = () => Promise.resolve();
  const closeStreams = () => target.close();
  const listen = "127.0.0.1:0";
  const server = await serve({ listen, services: [target.service], clock: systemClock, drained, closeStreams });
  cleanups.push(() => server.stop());
  const lost: string[] = [];
  await new Promise<void>((resolve) => {
    const client = new InterconnectSession({
      ...{ cpu: 3, incarnation: 100, session: 5, clock: systemClock, lamport: new LamportClock() },
      transport: grpcTransport(server.address),
      onReady: resolve,
      onLost: (reason) => lost.push(reason),
    });
    cleanups.push(() => client.close());
  });
  target.endLife("incarnation 100 of CPU 3 is over");
  await expect.poll(() => lost).toHaveLength(1);
  expect(lost[0]).toMatch(/incarnation 100 of CPU 3 is over$/);
});
