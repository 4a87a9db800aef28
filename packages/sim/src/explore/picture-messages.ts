import { type Fault, faultName } from "@vmcslab/faults";
import { arrowRow, fateless, fatesOf, isLost, labelled, ms, type Sent, type Story } from "./picture-arrow.js";
import { lostBeats } from "./picture-beats.js";
import { REGISTRATION, type Recording } from "./picture-record.js";
import type { Row } from "./picture-rows.js";

/** A batch on its way, and every answer to it. */
interface Exchange {
  readonly sends: readonly Sent[];
  readonly answers: readonly Sent[];
}

/** Batches and their answers, and what was lost of the rest. `others`: rows that a message may not be drawn across. */
export function messageRows({ happenings, plan, outcome }: Recording, others: readonly Row[]): Row[] {
  const sent = happenings.filter((happening) => happening.kind === "sent");
  const story: Story = { endNs: outcome.endNs, nameFate: (kind) => fateName(kind, plan.faults) };
  const shown = exchangesOf(sent).filter((exchange) => !isQuietRegistration(exchange));
  const instants = [
    ...others.map(({ ns }) => ({ ns, exchange: undefined })),
    ...shown.flatMap((exchange) => instantsOf(exchange).map((ns) => ({ ns, exchange }))),
  ];
  const isFree = (from: number, to: number, exchange: Exchange): boolean =>
    instants.every(
      ({ ns, exchange: other }) => ns <= from || ns >= to || other === exchange || isSibling(other, exchange),
    );
  // Without leases nobody minds a lost beat.
  const beats = plan.policy === "wait" ? [] : lostBeats(sent, story);
  return [...shown.flatMap((exchange) => exchangeRows(exchange, isFree, story)), ...beats];
}

/** By the fault's name, where only one can have done it. */
function fateName(kind: string, faults: readonly Fault[]): string {
  const all = faults.flatMap((fault, index) => (fault.action.kind === kind ? [faultName(fault, index)] : []));
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : kind;
}

function exchangesOf(sent: readonly Sent[]): Exchange[] {
  const exchanges = new Map<string, { sends: Sent[]; answers: Sent[] }>();
  for (const happening of sent) {
    const { message } = happening.record;
    if (message.kind !== "batch" && message.kind !== "completion") continue;
    const key = `${message.session} ${message.batch.id}`;
    const exchange = exchanges.get(key) ?? { sends: [], answers: [] };
    exchange[message.kind === "batch" ? "sends" : "answers"].push(happening);
    exchanges.set(key, exchange);
  }
  return [...exchanges.values()];
}

/** What L0 does with every CPU that comes up is said by the row that says so. */
function isQuietRegistration({ sends, answers }: Exchange): boolean {
  return sends.length === 1 && answers.length === 1 && sends[0]?.operation === REGISTRATION;
}

function instantsOf({ sends, answers }: Exchange): number[] {
  return [...sends, ...answers].flatMap(({ record: { sentNs, arrivesNs } }) => [sentNs, arrivesNs ?? sentNs]);
}

/** Sent at the same instant, so that neither follows from the other. */
function isSibling(a: Exchange | undefined, b: Exchange): boolean {
  return a?.sends[0]?.record.sentNs === b.sends[0]?.record.sentNs;
}

type IsFree = (from: number, to: number, exchange: Exchange) => boolean;

function exchangeRows(exchange: Exchange, isFree: IsFree, story: Story): Row[] {
  const { sends, answers } = exchange;
  const [send] = sends;
  const [answer] = answers;
  if (sends.length === 1 && answers.length === 1 && send !== undefined && answer !== undefined) {
    const { sentNs, arrivesNs } = send.record;
    const endNs = answer.record.arrivesNs;
    const isPrompt = arrivesNs === answer.record.sentNs && endNs !== undefined && fateless(send) && fateless(answer);
    if (isPrompt && isFree(sentNs, endNs, exchange))
      return [arrowRow(send, sentNs, send.at, "both", labelled(send, answer.text))];
  }
  return [
    ...folded(sends).flatMap(({ first, times, last }, index) => {
      const done = answers.find(({ record }) => record.sentNs === first.record.arrivesNs);
      const more = times === 1 ? "" : ` — ${times} times until ${ms(last.record.sentNs)}`;
      const text = `${index === 0 ? first.text : "sent again"}${more}`;
      const before = answers.some(({ record }) => record.sentNs < first.record.sentNs);
      const arrives = arrivalText(done, before, (first.record.arrivesNs ?? 0) < story.endNs);
      return oneWay(first, labelled(first, text), arrives, (from, to) => isFree(from, to, exchange), story);
    }),
    ...folded(answers).flatMap(({ first, times }) => {
      const executedLate = !sends.some(({ record }) => record.arrivesNs === first.record.sentNs);
      const text = `${executedLate ? `${first.text}: answer` : "answer"}${times === 1 ? "" : `, ${times} times`}`;
      return oneWay(first, labelled(first, text), "", (from, to) => isFree(from, to, exchange), story);
    }),
  ];
}

/** What a CPU does when a batch arrives. */
function arrivalText(done: Sent | undefined, isAgain: boolean, couldAnswer: boolean): string {
  if (done === undefined) return couldAnswer ? "no answer" : "";
  if (isAgain) return "answered again";
  return done.text === "" ? "nothing is left to execute" : `executes ${done.text}`;
}

/** One after the other with the same fate, as one. */
function folded(sent: readonly Sent[]): Fold[] {
  const folds: Fold[] = [];
  for (const happening of sent) {
    const fold = folds.at(-1);
    // The first one says what it is, and stays by itself.
    const isSame =
      fold !== undefined &&
      folds.length > 1 &&
      isLost(fold.last) &&
      isLost(happening) &&
      fatesOf(fold.last) === fatesOf(happening);
    if (isSame) {
      fold.last = happening;
      fold.times++;
    } else folds.push({ first: happening, last: happening, times: 1 });
  }
  return folds;
}

interface Fold {
  readonly first: Sent;
  last: Sent;
  times: number;
}

function oneWay(
  sent: Sent,
  text: string,
  arrives: string,
  isFree: (from: number, to: number) => boolean,
  { endNs, nameFate }: Story,
): Row[] {
  const { record, at } = sent;
  const { sentNs, arrivesNs } = record;
  const fates = fateless(sent) ? "" : ` — ${record.fates.map(nameFate).join(", ")}`;
  if (arrivesNs === undefined) return [arrowRow(sent, sentNs, at, "lost", `${text}${fates}`)];
  if (isFree(sentNs, arrivesNs)) {
    const outcome = arrives === "" || arrives.startsWith("executes") ? "" : `: ${arrives}`;
    return [arrowRow(sent, sentNs, at, "whole", `${text}${fates}${outcome}`)];
  }
  const label = sent.operation === "" ? "" : `${sent.operation} `;
  return [
    arrowRow(sent, sentNs, at, "open", `${text}${fates}, arrives ${ms(arrivesNs)}`),
    ...(arrivesNs > endNs
      ? []
      : [arrowRow(sent, arrivesNs, at, "end", `${label}${arrives === "" ? "arrives" : arrives}`)]),
  ];
}
