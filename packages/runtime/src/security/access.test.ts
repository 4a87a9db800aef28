import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CpuServiceService } from "../generated/vmcslab/v1/cpu.js";
import { FaultServiceService } from "../generated/vmcslab/v1/faults.js";
import { InterconnectServiceService } from "../generated/vmcslab/v1/interconnect.js";
import { L0ServiceService } from "../generated/vmcslab/v1/l0.js";
import { EventSourceServiceService } from "../generated/vmcslab/v1/source.js";
import { TraceServiceService } from "../generated/vmcslab/v1/trace.js";
import { ACCESS, type Rule, ruleOf } from "./access.js";

const SERVICES = [
  CpuServiceService,
  FaultServiceService,
  InterconnectServiceService,
  L0ServiceService,
  EventSourceServiceService,
  TraceServiceService,
];
const PATHS = SERVICES.flatMap((service) => Object.values(service).map(({ path }) => path));

/** As docs/security.md has it. */
function row([what, { may, only }]: [string, Rule]): string {
  return `| \`${what}\` | ${may.join(", ")} | ${only ?? ""} |`;
}

describe("who may call what", () => {
  test.each(PATHS)("%s has a rule", (path) => {
    expect(ruleOf(path).may).not.toEqual([]);
    expect(ruleOf(path).may).not.toContain("anyone");
  });

  test("every rule is one of something that there is", () => {
    const known = PATHS.flatMap((path) => [path.slice(1), path.slice(1, path.lastIndexOf("/"))]);
    for (const what of Object.keys(ACCESS).filter((name) => !name.startsWith("grpc."))) expect(known).toContain(what);
  });

  test("what is not in the table is refused to everybody", () => {
    expect(ruleOf("/vmcslab.v1.NewService/Call")).toEqual({ may: [] });
    expect(ruleOf("/")).toEqual({ may: [] });
  });

  test("a method's own rule comes before its service's", () => {
    expect(ruleOf("/vmcslab.v1.L0Service/RegisterCpu").may).toEqual(["cpu"]);
    expect(ruleOf("/vmcslab.v1.L0Service/CreateVcpu").may).toEqual(["person"]);
  });

  test("is in docs/security.md as it is here", () => {
    const page = readFileSync(new URL("../../../../docs/security.md", import.meta.url), "utf8");
    const [, table] = /<!-- generated access: begin -->\n([\s\S]*?)<!-- generated: end -->/.exec(page) ?? [];
    const rows = ["| RPC | may call it | and |", "| --- | --- | --- |", ...Object.entries(ACCESS).map(row)];
    expect(table?.trim()).toBe(rows.join("\n"));
  });
});
