/** `npm run bench -- NAME [flags]`: one of the measurements below. They are run by people, never as tests. */
const BENCHES = {
  instructions: {
    about: "nanoseconds per VMX instruction, in process",
    load: async () => (await import("./instructions/bench.mjs")).run,
  },
  interconnect: {
    about: "cross-CPU clears over gRPC, against bare echoes between processes",
    load: async () => (await import("./interconnect/bench.mjs")).run,
  },
  journal: {
    about: "what a record of L0's journal costs, against a bare write or publish",
    load: async () => (await import("./journal/bench.mjs")).run,
  },
  simulation: {
    about: "what a step of the explorer costs, against a bare event loop",
    load: async () => (await import("./simulation/bench.mjs")).run,
  },
};

const EXIT_USAGE = 64;

function usage(problem) {
  const names = Object.entries(BENCHES).map(([name, { about }]) => `  ${name.padEnd(14)} ${about}`);
  return [problem, "usage: npm run bench -- NAME [--json] [--help]", ...names].join("\n");
}

async function main([name, ...args]) {
  const bench = name !== undefined && Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench === undefined) {
    console.error(usage(name === undefined ? "which bench?" : `there is no bench "${name}"`));
    return EXIT_USAGE;
  }
  try {
    const run = await bench.load();
    await run(args);
    return 0;
  } catch (error) {
    if (error.code === "ERR_MODULE_NOT_FOUND") console.error(`${error.message}\nnpm run build comes first`);
    else if (error.code?.startsWith("ERR_PARSE_ARGS") || error instanceof RangeError) console.error(error.message);
    else throw error;
    return EXIT_USAGE;
  }
}

process.exitCode = await main(process.argv.slice(2));
