/** CPUs that are cut off from L0, and by how many faults. */
export class Partitions {
  readonly #cuts = new Map<number, number>();

  readonly isCut = (cpu: number): boolean => this.#cuts.has(cpu);

  /** Returns what ends it. */
  cut(cpu: number): () => void {
    this.#cuts.set(cpu, (this.#cuts.get(cpu) ?? 0) + 1);
    return () => {
      const count = (this.#cuts.get(cpu) ?? 0) - 1;
      if (count > 0) this.#cuts.set(cpu, count);
      else this.#cuts.delete(cpu);
    };
  }
}
