/** A flag, else a variable, else nothing. Empty is nothing. */
export function flagOrEnv(flag: string | undefined, variable: string): string | undefined {
  const value = flag ?? process.env[variable];
  return value === "" ? undefined : value;
}
