/** docker-compose.yml, as text, for any number of CPUs: its comments and order stay. */

const CPUS = /^( {2}# CPUs\. .*\n)([\s\S]*?)(?=^ {2}# End of the CPUs\.$)/m;
const FIRST_CPU_PORT = 7100;

/** Every CPU after the first is written as the first is. */
export function composeFor(text: string, cpus: number): string {
  const [, comment, blocks] = CPUS.exec(text) ?? [];
  const first = /^ {2}cpu0:\n(?: {4}.*\n)*/m.exec(blocks ?? "")?.[0];
  if (comment === undefined || first === undefined) throw new Error("docker-compose.yml has no place for CPUs");
  const all = Array.from({ length: cpus }, (_, cpu) => renumbered(first, cpu)).join("");
  const aliases = Array.from({ length: cpus }, (_, cpu) => `via-cpu${cpu}`).join(", ");
  return perCpuLines(text, cpus)
    .replace(CPUS, () => `${comment}${all}`)
    .replace(/(command: \[(?:proxy|certs, \/certs, --keep), --cpus, )"\d+"/g, (_, before) => `${before}"${cpus}"`)
    .replace(/(CPUS: )"\d+"/, (_, before) => `${before}"${cpus}"`)
    .replace(/aliases: \[via-cpu0.*\]/, () => `aliases: [${aliases}]`);
}

/** Volumes that each CPU has one of: as many lines as there are CPUs, in each place. */
function perCpuLines(text: string, cpus: number): string {
  return text.replace(/(?:^ +(?:- )?tls-cpu\d+:.*\n)+/gm, (lines) => {
    const first = lines.slice(0, lines.indexOf("\n") + 1);
    return Array.from({ length: cpus }, (_, cpu) => first.replaceAll("cpu0", `cpu${cpu}`)).join("");
  });
}

function renumbered(block: string, cpu: number): string {
  return block
    .replaceAll(/\bcpu0\b/g, `cpu${cpu}`)
    .replaceAll("CPU_ID: 0", `CPU_ID: ${cpu}`)
    .replaceAll(`:${FIRST_CPU_PORT}`, `:${FIRST_CPU_PORT + cpu}`);
}
