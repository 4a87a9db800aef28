/** Every defined outcome of the recorded matrix (the other sequences have a file of their own, which runs beside this one), by CPU services over gRPC. */
import { afterAll, describe, expect, test } from "vitest";
import { CpuServices } from "./executors/grpc.js";
import { RECORDINGS, readSequences, tally } from "./recordings.js";

const services = new CpuServices();
afterAll(() => services.stop());

describe("recorded on Bochs 2.7, CPU services over gRPC: every defined outcome agrees", () => {
  test.each(["matrix"] as const)(
    "%s",
    async (name) => {
      const sequences = readSequences(name);
      const { disagreements, ...counts } = tally(sequences, await services.replay(sequences));
      expect(disagreements).toEqual([]);
      expect(counts).toEqual(RECORDINGS[name]);
    },
    300_000,
  );
});
