import { spawnSync } from "node:child_process";

/** Why tests that need a NATS server cannot run here, to stand in their names; empty when they can. */
export const missingNats =
  spawnSync("nats-server", ["--version"]).status === 0 ? "" : " (skipped: no nats-server on the PATH)";
