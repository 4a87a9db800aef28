/** Cuts a CPU off from L0 in the CPU's own network namespace: NATS still reaches it. */
import { errorMessage } from "../../errors.js";
import { startGuard } from "../guard.js";
import { type Container, networkNamespace } from "./containers.js";
import { command } from "./docker.js";

/** Why packets cannot be filtered from here; undefined: they can. */
export async function whyNoFilter(container: Container): Promise<string | undefined> {
  if (process.platform !== "linux") return "packets can be filtered under Linux alone";
  if (process.getuid?.() !== 0) return "only root may filter packets of a container";
  try {
    const cut = await cutOff(container, 0);
    await cut.heal().finally(cut.cancelGuard);
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown);
  }
}

export interface Cut {
  /** What ends it when its time is over. */
  cancelGuard(): void;
  heal(): Promise<void>;
}

/** Every packet between the container and L0 is dropped, in both directions. */
export async function cutOff(container: Container, forNs: number): Promise<Cut> {
  const namespace = await networkNamespace(container);
  const rules = (does: "insert" | "delete"): string => rulesFor(container.ports, does);
  // Should its container be gone by then, its namespace is too, and the rules with it.
  const guard = startGuard(forNs, CHANGE, [namespace, rules("delete")]);
  await guard.ready;
  const change = (text: string): Promise<string> => command("/bin/sh", ["-c", CHANGE, "sh", namespace, text]);
  await change(rules("insert"));
  return {
    cancelGuard: guard.cancel,
    heal: async () => void (await change(rules("delete"))),
  };
}

/** All rules at once, or none. */
const CHANGE = 'printf "%s" "$2" | nsenter --net="$1" iptables-restore --noflush --wait';

/** A port is ours or L0's: either end of a connection may have it. What the container says to itself passes. */
function rulesFor(ports: readonly number[], does: "insert" | "delete"): string {
  const matched = `--protocol tcp --match multiport --ports ${ports.join(",")} --jump DROP`;
  return [
    "*filter",
    `--${does} INPUT ! --in-interface lo ${matched}`,
    `--${does} OUTPUT ! --out-interface lo ${matched}`,
    "COMMIT",
    "",
  ].join("\n");
}
