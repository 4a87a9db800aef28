/** The files of one holder of credentials, with the modes that keep others from reading them. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const FOLDER_MODE = 0o700;
/** Whoever may enter the folder may see what is no secret. */
const PUBLIC_MODE = 0o644;
const SECRET_MODE = 0o600;

export class Folder {
  readonly path: string;
  readonly #owner: Owner | undefined;

  constructor(path: string, owner: Owner | undefined) {
    this.path = path;
    this.#owner = owner;
    mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
    // One that was there, such as a volume, may be open to everybody.
    if ((statSync(path).mode & 0o777) !== FOLDER_MODE) chmodSync(path, FOLDER_MODE);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), "utf8");
  }

  /** Whole or not at all: who reads it meanwhile finds what was there. */
  write(name: string, content: string, isSecret: boolean): void {
    const path = join(this.path, name);
    const next = `${path}.new`;
    writeFileSync(next, content, { mode: isSecret ? SECRET_MODE : PUBLIC_MODE });
    if (this.#owner !== undefined) chownSync(next, this.#owner.uid, this.#owner.gid);
    renameSync(next, path);
  }
}
