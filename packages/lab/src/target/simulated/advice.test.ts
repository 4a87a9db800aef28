import { expect, it } from "vitest";
import { parseExperiment } from "../../experiment/load.js";
import { simulationAdvice } from "./advice.js";

it.each([
  ["roundRobin: { duration: 10s }", 1],
  ["roundRobin: { duration: 50ms }", 0],
  ["roundRobin: { entries: 5 }", 0],
  ["migrate: { duration: 10s }", 1],
  ["migrate: { duration: 10s, load: { open: { rate: 100/s } } }", 0],
  ["migrate: { duration: 10s, load: { open: { rate: 100k/s } } }", 1],
  ["kvmTrace: t", 0],
])("%s: %i lines", (workload, lines) => {
  const { experiment } = parseExperiment(`name: a\nworkload: { ${workload} }`, "a.yaml");
  expect(simulationAdvice(experiment)).toHaveLength(lines);
});
