const MASK = 0xffff_ffff_ffff_ffffn;

export const NO_HASH = "0000000000000000";

/** Of one seed and its history's digest. What is added up must not be: two histories that swap their seeds would not show. */
export function hashOfSeed(seed: number, digest: string): string {
  return asText(mix(mix(BigInt(seed)) ^ BigInt(`0x${digest}`)));
}

/** In any order the same. */
export function addHashes(a: string, b: string): string {
  return asText((BigInt(`0x${a}`) + BigInt(`0x${b}`)) & MASK);
}

/** One step of splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
function mix(value: bigint): bigint {
  let mixed = (value + 0x9e37_79b9_7f4a_7c15n) & MASK;
  mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
  return mixed ^ (mixed >> 31n);
}

function asText(hash: bigint): string {
  return hash.toString(16).padStart(NO_HASH.length, "0");
}
