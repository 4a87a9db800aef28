/** Who may call what. docs/security.md shows this table, and a test compares the two. */

/** `anyone`: strangers too. `person`: whoever has the token. The others: the services of that kind. */
export type Who = "anyone" | "person" | "l0" | "cpu" | "trace";

export interface Rule {
  readonly may: readonly Who[];
  /** What the handler checks besides, in words. */
  readonly only?: string;
}

/** What people publish events as: an experiment says so what it did to a host from outside. */
export const PEOPLES_SOURCE = "faults";

/** By service, or by service and method, which comes first. What is not here is refused to everybody. */
export const ACCESS: Readonly<Record<string, Rule>> = {
  "vmcslab.v1.L0Service": { may: ["person"] },
  "vmcslab.v1.L0Service/RegisterCpu": { may: ["cpu"], only: "a CPU only as the one that its certificate names" },
  "vmcslab.v1.L0Service/OfflineCpu": { may: ["person", "cpu"], only: "a CPU only itself" },
  "vmcslab.v1.InterconnectService/Connect": { may: ["l0"] },
  "vmcslab.v1.CpuService": { may: ["person"] },
  "vmcslab.v1.FaultService": { may: ["person", "l0"] },
  "vmcslab.v1.EventSourceService": { may: ["person", "l0"] },
  "vmcslab.v1.TraceService": { may: ["person"] },
  "vmcslab.v1.TraceService/Publish": {
    may: ["l0", "cpu", "person"],
    only: `a service only as the source that its certificate names, a person only as source \`${PEOPLES_SOURCE}\``,
  },
  "grpc.health.v1.Health": { may: ["anyone"] },
  "grpc.reflection.v1.ServerReflection": { may: ["person"] },
  "grpc.reflection.v1alpha.ServerReflection": { may: ["person"] },
};

const NOBODY: Rule = { may: [] };

/** `path`: `/package.Service/Method`. */
export function ruleOf(path: string): Rule {
  const method = path.slice(1);
  return ACCESS[method] ?? ACCESS[method.slice(0, method.lastIndexOf("/"))] ?? NOBODY;
}
