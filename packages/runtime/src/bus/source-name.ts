const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a host or source may be called so: the name becomes part of file names and NATS subjects. */
export function isSourceName(name: string): boolean {
  return NAME.test(name);
}
