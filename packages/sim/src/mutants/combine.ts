import type { EventFact } from "@vmcslab/history";
import type { Operation, OutgoingBatch } from "@vmcslab/nested";
import type { Saboteur } from "../host/sim-host.js";

type Batched = Parameters<NonNullable<Saboteur["batch"]>>;
type Done = Batched[1];
type Send = Batched[2];

/** Several at once. The first is nearest to the core: it sees what the core sends as it is, and a fact before the others do. */
export function combine(saboteurs: readonly Saboteur[]): Saboteur {
  return {
    ignoresLease: saboteurs.some((saboteur) => saboteur.ignoresLease === true),
    install(host) {
      for (const saboteur of saboteurs) saboteur.install?.(host);
    },
    hypervisor(hypervisor) {
      for (const saboteur of saboteurs) saboteur.hypervisor?.(hypervisor);
    },
    batch(batch, done, send) {
      const chain = saboteurs.reduceRight<Send>(
        (next, saboteur) =>
          saboteur.batch === undefined ? next : (b: OutgoingBatch, d: Done) => saboteur.batch?.(b, d, next),
        send,
      );
      chain(batch, done);
    },
    operation<T>(operation: Operation<T>): Operation<T> {
      return saboteurs.reduce((inner, saboteur) => saboteur.operation?.(inner) ?? inner, operation);
    },
    fact(fact) {
      return saboteurs.reduce<EventFact | undefined>(
        (stated, saboteur) => (stated === undefined || saboteur.fact === undefined ? stated : saboteur.fact(stated)),
        fact,
      );
    },
    arriving(cpu, batch) {
      return saboteurs.reduce((arrived, saboteur) => saboteur.arriving?.(cpu, arrived) ?? arrived, batch);
    },
    completed(batch, completion) {
      for (const saboteur of saboteurs) saboteur.completed?.(batch, completion);
    },
    refused(batch, completion) {
      for (const saboteur of saboteurs) saboteur.refused?.(batch, completion);
    },
  };
}
