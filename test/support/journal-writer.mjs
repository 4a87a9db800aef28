/** Appends numbered records to the journal file of its first argument, as fast as it can, and prints the number of the last one that is durable. Its parent kills it. */
// Not the whole runtime: loading it takes longer than a writer lives.
import { openFileJournal } from "../../packages/runtime/dist/journal/file.js";

const REPLACE_EVERY = 500;
const [, , path] = process.argv;
const journal = await openFileJournal({ path, sync: false });
let next = (await journal.read()).map((record) => Buffer.from(record).readUInt32LE(0)).at(-1) ?? 0;
const numbered = (number) => {
  // Several pages now and then: a write that a kill may break off.
  const record = Buffer.alloc(number % 7 === 0 ? 20_000 : 16, number & 0xff);
  record.writeUInt32LE(number, 0);
  return record;
};
for (;;) {
  for (let i = 0; i < 8; i++) journal.append(numbered(++next));
  await journal.durable();
  process.stdout.write(`${next}\n`);
  // The last ten say the same as all.
  if (next % REPLACE_EVERY < 8) {
    const from = Math.max(1, next - 9);
    await journal.replace(Array.from({ length: next - from + 1 }, (_, i) => numbered(from + i)));
  }
}
