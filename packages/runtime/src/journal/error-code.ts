/** What the system calls it: ENOSPC, EEXIST, … */
export function errorCode(thrown: unknown): string {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return String(thrown);
}
