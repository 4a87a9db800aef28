/** What both clients measure with. An action is begun with a callback that ends it. */

/** Nanoseconds of each of `count` actions, one after the other. */
export async function oneByOne(count, begin) {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    await new Promise((resolve) => begin(resolve));
    times[i] = Number(process.hrtime.bigint() - start);
  }
  return times;
}

/** Nanoseconds per action, with so many under way at any time. */
export async function atOnce(count, inFlight, begin) {
  let begun = 0;
  let ended = 0;
  const start = process.hrtime.bigint();
  await new Promise((resolve) => {
    const next = () => {
      if (begun === count) return;
      begun++;
      begin(() => {
        if (++ended === count) resolve();
        else next();
      });
    };
    for (let i = 0; i < inFlight; i++) next();
  });
  return Number(process.hrtime.bigint() - start) / count;
}

/** This process's own CPU time per action, in nanoseconds, and what `measured` answered. */
export async function withCpuTime(count, measure) {
  const before = process.cpuUsage();
  const value = await measure();
  const { user, system } = process.cpuUsage(before);
  return { value, cpuNs: ((user + system) * 1000) / count };
}

export function quantile(times, q) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

export const median = (values) => quantile(values, 0.5);

/** Answers requests of the parent process: { id, name, args } with { id, value } or { id, error }. */
export function answerParent(actions) {
  process.on("message", ({ id, name, args }) => {
    Promise.resolve()
      .then(() => actions[name](args))
      .then(
        (value) => process.send({ id, value }),
        (error) => process.send({ id, error: error.stack ?? String(error) }),
      );
  });
  process.once("disconnect", () => process.exit(0));
}
