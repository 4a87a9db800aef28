/** How tables head the columns of percentiles. */
export const PERCENTILE_TITLES = { p50: "p50", p90: "p90", p99: "p99", p999: "p99.9", max: "max" } as const;
