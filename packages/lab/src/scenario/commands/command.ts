import type { Arguments } from "../arguments.js";
import type { Asked, World } from "../world.js";

/** What commands work on; `host` replaces it. */
export interface Session {
  world: World;
}

export type Lines = readonly string[];

interface Described {
  /** Arguments as `key` or, when it may be left out, `key?`. */
  readonly takes: readonly string[];
  /** Words that follow without `key=`. */
  readonly words?: string;
  readonly about: string;
}

/** Something that is done, or looked at, at once. */
interface Direct extends Described {
  readonly run: (session: Session, given: Arguments) => Lines | Promise<Lines>;
}

/** An operation of L0: it may be waited for, or begun with `start`. */
interface Operating extends Described {
  readonly ask: (given: Arguments) => Asked;
  /** What goes over the links says nothing. */
  readonly hidesBatches?: boolean;
}

/** Its words are a name, and a command of the kind above. */
interface Starting extends Described {
  readonly starts: true;
}

export type ScenarioCommand = Direct | Operating | Starting;

export const OK = (): Lines => ["ok"];
