/** The commands. Each file below defines its flags and loads what it needs only when it runs, so that starting is quick. */
import { Command } from "@commander-js/extra-typings";
import { addCertsCommand } from "./commands/certs.js";
import { addCheckCommand } from "./commands/check.js";
import { addComposeCommand } from "./commands/compose.js";
import { addCostsCommand } from "./commands/costs.js";
import { addCpuCommand } from "./commands/cpu.js";
import { addExecCommand } from "./commands/exec.js";
import { addExploreCommand } from "./commands/explore.js";
import { addFaultsCommand } from "./commands/faults.js";
import { addHealthcheckCommand } from "./commands/healthcheck.js";
import { addHistoryCommand } from "./commands/history.js";
import { addL0Command } from "./commands/l0.js";
import { addModelsCommand } from "./commands/models.js";
import { addProxyCommand } from "./commands/proxy.js";
import { addQueryCommand } from "./commands/query.js";
import { addReplayCommand } from "./commands/replay.js";
import { addReportCommand } from "./commands/report.js";
import { addRunCommand } from "./commands/run.js";
import { addScenarioCommand } from "./commands/scenario.js";
import { addSchemaCommand } from "./commands/schema.js";
import { addTraceCommand } from "./commands/trace.js";
import { addHelpCommand } from "./help/command.js";
import { addHelpSections } from "./help/sections.js";
import { VERSION } from "./version.js";

export function createProgram(): Command {
  const program = new Command("vmcslab")
    .description(
      "A laboratory for nested virtualization: who owns a VMCS, on which CPU, and what does it cost to take it back?",
    )
    .version(VERSION, "-V, --version")
    .showSuggestionAfterError(true)
    .showHelpAfterError("(--help shows the flags)")
    .exitOverride();
  addHelpSections(program, {
    examples: [
      ["vmcslab run experiments/kvm-capture.yaml", "replay a KVM capture on a host of processes"],
      ["vmcslab help exit-codes", ""],
    ],
  });
  addRunCommand(program);
  addExecCommand(program);
  addCheckCommand(program);
  addHistoryCommand(program);
  addQueryCommand(program);
  addScenarioCommand(program);
  addExploreCommand(program);
  addReplayCommand(program);
  addReportCommand(program);
  addFaultsCommand(program);
  addSchemaCommand(program);
  addModelsCommand(program);
  addCostsCommand(program);
  addCpuCommand(program);
  addL0Command(program);
  addTraceCommand(program);
  addProxyCommand(program);
  addHealthcheckCommand(program);
  addComposeCommand(program);
  addCertsCommand(program);
  addHelpCommand(program);
  return program;
}
