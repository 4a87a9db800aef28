/** The files of a spool: <host>.<source>.<incarnation>.<segment>.spool, each a row of EventBatches as history files are, and a lock per life. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

const SEGMENT = /^(?<host>[\w-]+)\.(?<source>[\w-]+)\.(?<incarnation>\d+)\.(?<segment>\d+)\.spool$/;

/** A life of a source. */
export interface SpooledLife {
  readonly incarnation: number;
  /** Paths of its segments, oldest first. */
  readonly segments: readonly string[];
}

export function segmentPath(
  directory: string,
  host: string,
  source: string,
  incarnation: number,
  segment: number,
): string {
  return join(directory, `${host}.${source}.${incarnation}.${segment}.spool`);
}

/** Names the process that writes this life's segments. */
export function lockPath(directory: string, host: string, source: string, incarnation: number): string {
  return join(directory, `${host}.${source}.${incarnation}.spool.lock`);
}

/** The lives of one source that have segments in a directory, oldest first. */
export function spooledLives(directory: string, host: string, source: string): SpooledLife[] {
  const lives = new Map<number, number[]>();
  for (const name of readdirSync(directory)) {
    const parts = SEGMENT.exec(name)?.groups;
    if (parts?.host !== host || parts.source !== source) continue;
    const incarnation = Number(parts.incarnation);
    lives.set(incarnation, [...(lives.get(incarnation) ?? []), Number(parts.segment)]);
  }
  return [...lives]
    .sort(([left], [right]) => left - right)
    .map(([incarnation, segments]) => ({
      incarnation,
      segments: segments
        .sort((left, right) => left - right)
        .map((segment) => segmentPath(directory, host, source, incarnation, segment)),
    }));
}
