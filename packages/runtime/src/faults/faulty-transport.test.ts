import { type FaultMatch, FaultSet, type MessageAction, MessageFaults, RandomStream } from "@vmcslab/faults";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BatchInstruction, ConnectRequest, ConnectResponse } from "../generated/vmcslab/v1/interconnect.js";
import type { Link, LinkBroken, Transport } from "../interconnect/port.js";
import { ManualClock } from "../manual-clock.js";
import { faultyTransport } from "./faulty-transport.js";

const BROKEN: LinkBroken = { message: "reset", refused: false, gone: false };

/** What L0 has at its end, over a transport that has both ends in hand. */
function linked({ isPartitioned = () => false }: { readonly isPartitioned?: () => boolean } = {}) {
  const clock = new ManualClock();
  const set = new FaultSet();
  /** What arrived at the CPU, what L0 received, what L0 was told. */
  const arrived: string[] = [];
  const received: string[] = [];
  const told: string[] = [];
  const broken: string[] = [];
  let inner: { receive: (frame: ConnectResponse) => void; broken: (cause: LinkBroken) => void } | undefined;
  let isClosed = false;
  const transport: Transport = {
    open: (receive, isBroken): Link => {
      inner = { receive, broken: isBroken };
      return {
        send: (frame) => void arrived.push(describeRequest(frame)),
        close: () => {
          isClosed = true;
        },
      };
    },
    close: () => undefined,
  };
  const faulty = faultyTransport(transport, {
    ...{ cpu: 2, clock, faults: set, isPartitioned },
    failBatch: (id, definite) => told.push(`${id} ${definite ? "definite" : "indefinite"}`),
  });
  const link = faulty.open(
    (frame) => received.push(describeResponse(frame)),
    (cause) => broken.push(cause.message),
  );
  const strike = (match: FaultMatch, action: MessageAction): (() => void) => {
    const fault = { name: `f${match.method ?? ""}${action.kind}`, match, action };
    const messages = new MessageFaults([fault], new RandomStream("1"));
    messages.activate(fault);
    set.add(messages);
    return () => set.remove(messages);
  };
  return {
    ...{ clock, arrived, received, told, broken, strike, link },
    send: (id: number, ...kinds: string[]) => link.send(batch(id, kinds)),
    complete: (id: number) => inner?.receive(completion(id)),
    completeTogether: (...ids: number[]) => {
      const completions = ids.map((id) => ({ id: BigInt(id), cpu: 2, results: [], timing: undefined }));
      inner?.receive({ lamport: 0n, frame: { $case: "completions", value: { completions } } });
    },
    greet: () => inner?.receive(WELCOME),
    break: () => inner?.broken(BROKEN),
    isClosed: () => isClosed,
  };
}

const instructionOf = (kind: string): BatchInstruction =>
  kind === "vmclear"
    ? { instruction: { $case: "vmclear", value: { region: 0x5000n, epoch: 1n } } }
    : { instruction: { $case: "interrupt", value: {} } };

const batch = (id: number, kinds: readonly string[]): ConnectRequest => ({
  ...{ lamport: 0n, acknowledged: 0n },
  frame: { $case: "batch", value: { id: BigInt(id), cpu: 2, operation: 0n, instructions: kinds.map(instructionOf) } },
});
const HELLO: ConnectRequest = {
  ...{ lamport: 0n, acknowledged: 0n },
  frame: { $case: "hello", value: { cpu: 2, session: 1n, takesOver: false } },
};
const completion = (id: number): ConnectResponse => ({
  lamport: 0n,
  frame: { $case: "completion", value: { id: BigInt(id), cpu: 2, results: [], timing: undefined } },
});
const WELCOME: ConnectResponse = {
  lamport: 0n,
  frame: {
    $case: "welcome",
    value: { incarnation: 1n, report: undefined, cpu: 2, executed: 0n, clock: "", batchesPerFrame: 16 },
  },
};

function describeRequest({ frame }: ConnectRequest): string {
  return frame?.$case === "batch" ? `batch ${frame.value.id}` : (frame?.$case ?? "nothing");
}
function describeResponse({ frame }: ConnectResponse): string {
  return frame?.$case === "completion" ? `completion ${frame.value.id}` : (frame?.$case ?? "nothing");
}

describe("a link without faults", () => {
  test("passes every frame at once and in order, both ways", () => {
    const step = fc.oneof(
      fc.record({ way: fc.constantFrom("send", "complete"), id: fc.nat({ max: 99 }) }),
      fc.record({ way: fc.constantFrom("hello", "welcome"), id: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { arrived, received, told, clock, link, send, complete, greet } = linked();
        for (const { way, id } of steps) {
          if (way === "send") send(id, "vmclear");
          else if (way === "complete") complete(id);
          else if (way === "hello") link.send(HELLO);
          else greet();
        }
        const named = (of: string, as: string, alone: string) =>
          steps.flatMap(({ way, id }) => (way === of ? [`${as} ${id}`] : way === alone ? [alone] : []));
        expect(arrived).toEqual(named("send", "batch", "hello"));
        expect(received).toEqual(named("complete", "completion", "welcome"));
        expect([told, clock.pending]).toEqual([[], 0]);
      }),
    );
  });

  test("closes the link below, and tells of its end once", () => {
    const other = linked();
    other.break();
    other.break();
    expect(other.broken).toEqual(["reset"]);
    const { link, isClosed, received, broken, ...rest } = linked();
    link.close();
    rest.complete(1);
    rest.break();
    expect([isClosed(), received, broken]).toEqual([true, [], []]);
  });
});

describe("a link with faults", () => {
  test("strikes completions that come in one frame one by one", () => {
    const { strike, send, completeTogether, received } = linked();
    for (const id of [1, 2, 3]) send(id, "vmclear");
    strike({ method: "completion", nth: 2 }, { kind: "dropRequest" });
    completeTogether(1, 2, 3);
    expect(received).toEqual(["completion 1", "completion 3"]);
  });

  test("dropRequest: the batch does not arrive, and its sender learns nothing", () => {
    const { strike, send, arrived, told } = linked();
    strike({ method: "batch", nth: 2 }, { kind: "dropRequest" });
    for (const id of [1, 2, 3]) send(id, "vmclear");
    expect([arrived, told]).toEqual([["batch 1", "batch 3"], []]);
  });

  test("dropReply: the batch arrives and its completion does not; when it is sent again, that one's does", () => {
    const { strike, send, complete, arrived, received } = linked();
    const heal = strike({ method: "interrupt" }, { kind: "dropReply" });
    send(1, "interrupt");
    heal();
    complete(1);
    expect([arrived, received]).toEqual([["batch 1"], []]);
    send(1, "interrupt");
    complete(1);
    expect(received).toEqual(["completion 1"]);
  });

  test("dropReply of a batch that arrives twice takes both completions", () => {
    const { strike, send, complete, arrived, received } = linked();
    strike({ nth: 1 }, { kind: "dropReply" });
    strike({ method: "batch", nth: 1 }, { kind: "duplicate", copies: 1 });
    send(1, "interrupt");
    complete(1);
    complete(1);
    expect([arrived, received]).toEqual([["batch 1", "batch 1"], []]);
  });

  test("dropReply of a batch that is lost takes nothing: there is no reply", () => {
    const { strike, send, complete, arrived, received } = linked();
    strike({ method: "batch", nth: 1 }, { kind: "dropReply" });
    strike({ method: "batch", nth: 1 }, { kind: "dropRequest" });
    send(1, "interrupt");
    send(1, "interrupt");
    complete(1);
    expect([arrived, received]).toEqual([["batch 1"], ["completion 1"]]);
  });

  test.each([
    [true, [], ["7 definite"]],
    [false, ["batch 7"], ["7 indefinite"]],
  ])("error, definite %s: what arrives, and what the session is told", (definite, arrives, tells) => {
    const { strike, send, arrived, told } = linked();
    strike({ method: "batch" }, { kind: "error", definite });
    send(7, "vmclear");
    expect([arrived, told]).toEqual([arrives, tells]);
  });

  test("duplicate: a batch and a completion arrive so often more", () => {
    const { strike, send, complete, arrived, received } = linked();
    strike({}, { kind: "duplicate", copies: 2 });
    send(1, "vmclear");
    complete(1);
    expect([arrived, received]).toEqual([Array(3).fill("batch 1"), Array(3).fill("completion 1")]);
  });

  test("delay keeps the order of each direction, and holds greetings up too", () => {
    const { strike, send, complete, greet, link, arrived, received, clock } = linked();
    strike({ nth: 1, from: "l0" }, { kind: "delay", delay: { constant: 10e6 } });
    strike({ nth: 1, from: "cpu" }, { kind: "delay", delay: { constant: 5e6 } });
    send(1, "vmclear");
    send(2, "vmclear");
    link.send(HELLO);
    complete(8);
    complete(9);
    greet();
    clock.advance(9);
    expect([arrived, received]).toEqual([[], ["completion 8", "completion 9", "welcome"]]);
    clock.advance(1);
    expect(arrived).toEqual(["batch 1", "batch 2", "hello"]);
  });

  test("reorder lets what follows overtake", () => {
    const { strike, send, complete, arrived, received, clock } = linked();
    strike({ nth: 1, from: "l0" }, { kind: "reorder", byNs: 10e6 });
    strike({ nth: 1, from: "cpu2" }, { kind: "reorder", byNs: 10e6 });
    for (const id of [1, 2]) send(id, "vmclear");
    for (const id of [1, 2]) complete(id);
    clock.advance(10);
    expect([arrived, received]).toEqual([
      ["batch 2", "batch 1"],
      ["completion 2", "completion 1"],
    ]);
  });

  test("a completion matches by what its batch contains, also when that was sent before the fault began", () => {
    const { strike, send, complete, received } = linked();
    send(1, "vmclear");
    send(2, "interrupt", "vmclear");
    strike({ from: "cpu", method: "interrupt" }, { kind: "dropRequest" });
    complete(1);
    complete(2);
    expect(received).toEqual(["completion 1"]);
  });

  test("another CPU's faults do not strike it", () => {
    const { strike, send, complete, arrived, received } = linked();
    strike({ to: "cpu1" }, { kind: "dropRequest" });
    strike({ from: "cpu1" }, { kind: "dropRequest" });
    send(1, "vmclear");
    complete(1);
    expect([arrived, received]).toEqual([["batch 1"], ["completion 1"]]);
  });
});

describe("a link that breaks or closes while frames are held", () => {
  test("what was on its way arrives before the end is told", () => {
    const { strike, complete, received, broken, clock, ...rest } = linked();
    strike({ nth: 1 }, { kind: "delay", delay: { constant: 10e6 } });
    complete(1);
    complete(2);
    rest.break();
    clock.advance(9);
    expect([received, broken]).toEqual([[], []]);
    clock.advance(1);
    expect([received, broken, clock.pending]).toEqual([["completion 1", "completion 2"], ["reset"], 0]);
  });

  test("what was overtaken, or waits to be sent, is lost with the link and leaves no timer", () => {
    const { strike, send, complete, arrived, received, broken, clock, ...rest } = linked();
    strike({ method: "batch" }, { kind: "delay", delay: { constant: 10e6 } });
    strike({ method: "completion" }, { kind: "reorder", byNs: 10e6 });
    send(1, "vmclear");
    complete(2);
    rest.break();
    expect([broken, clock.pending]).toEqual([["reset"], 0]);
    clock.advance(100);
    expect([arrived, received]).toEqual([[], []]);
  });

  test("when L0 closes it nothing is delivered any more, in either direction, and no timer is left", () => {
    const action = fc.constantFrom<MessageAction>(
      { kind: "delay", delay: { constant: 5e6 } },
      { kind: "reorder", byNs: 5e6 },
      { kind: "duplicate", copies: 3 },
    );
    fc.assert(
      fc.property(fc.array(action), fc.array(fc.boolean(), { minLength: 1 }), fc.boolean(), (actions, ways, breaks) => {
        const { strike, send, complete, arrived, received, broken, clock, link, ...rest } = linked();
        for (const one of actions) strike({}, one);
        for (const [id, isOut] of ways.entries()) {
          if (isOut) send(id, "vmclear");
          else complete(id);
        }
        if (breaks) rest.break();
        const before = [arrived.length, received.length, broken.length];
        link.close();
        expect(clock.pending).toBe(0);
        send(99, "vmclear");
        complete(99);
        clock.advance(1000);
        expect([arrived.length, received.length, broken.length]).toEqual(before);
      }),
    );
  });
});

describe("a partition", () => {
  test("takes what is sent meanwhile, both ways, and what was on its way arrives", () => {
    let isCut = false;
    const { strike, send, complete, arrived, received, clock } = linked({ isPartitioned: () => isCut });
    strike({ nth: 1, from: "l0" }, { kind: "delay", delay: { constant: 10e6 } });
    send(1, "vmclear");
    isCut = true;
    send(2, "vmclear");
    complete(2);
    clock.advance(10);
    isCut = false;
    send(3, "vmclear");
    complete(3);
    expect([arrived, received]).toEqual([["batch 1", "batch 3"], ["completion 3"]]);
  });

  test.each(["hello", "welcome"])("that takes a link's %s breaks the link: whoever greets tries again", (greeting) => {
    let isCut = false;
    const { link, greet, arrived, received, broken, clock, isClosed, complete } = linked({
      isPartitioned: () => isCut,
    });
    isCut = greeting === "hello";
    link.send(HELLO);
    isCut = true;
    if (greeting === "welcome") greet();
    expect(broken).toEqual([]);
    clock.advance(0);
    expect(broken).toEqual(["CPU 2 and L0 are cut off from each other"]);
    expect(isClosed()).toBe(true);
    isCut = false;
    complete(1);
    clock.advance(1000);
    expect([arrived, received, broken.length]).toEqual([greeting === "hello" ? [] : ["hello"], [], 1]);
  });
});
