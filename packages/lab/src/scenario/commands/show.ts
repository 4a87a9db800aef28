import { renderCpus, renderL0, renderVcpu } from "../render.js";
import type { ScenarioCommand } from "./command.js";

const DOWN = ["l0: down"];

/** What prints the state of a host. */
export const SHOW_COMMANDS: Readonly<Record<string, ScenarioCommand>> = {
  vcpu: {
    takes: ["vcpu"],
    about: "Prints a vcpu's nested state and its pool, most recently used first.",
    run: ({ world }, given) => {
      const { hypervisor } = world.host;
      if (hypervisor === undefined) return DOWN;
      const state = hypervisor.nestedState(given.number("vcpu"));
      return state === undefined ? ["error notFound"] : renderVcpu(state);
    },
  },
  cpus: {
    takes: [],
    about: "Prints every CPU as kvm-unit-tests does: current and active VMCSs; a star marks a launched one.",
    run: ({ world }) => renderCpus(world.host, (region) => world.nameRegion(region)),
  },
  l0: {
    takes: [],
    about: "Prints L0's life, the CPUs it uses, and where in memory the VMCSs of its vcpus are.",
    run: ({ world }) => renderL0(world.host, world.lifeOfL0),
  },
  counters: {
    takes: [],
    about: "Prints L0's counters and what is allocated.",
    run: ({ world }) => {
      const { hypervisor } = world.host;
      if (hypervisor === undefined) return DOWN;
      const { allocator } = hypervisor.state;
      const c = hypervisor.counters();
      return [
        `clears: local ${c.clearsLocal}, cross-CPU ${c.clearsCrossCpu}, first ${c.clearsInitial}`,
        `pool: hits ${c.poolHits}, recycles ${c.poolRecycles}, allocations ${c.poolAllocations}, frees ${c.poolFrees}`,
        `allocated: pages ${allocator.pagesInUse}, pool nodes ${allocator.nodesInUse}`,
      ];
    },
  },
};
