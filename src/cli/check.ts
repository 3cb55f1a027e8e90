import { readFile } from "node:fs/promises";
import { availableParallelism, hostname, networkInterfaces } from "node:os";
import { canonicalAddress } from "../base/address.ts";
import { hostKnowledge } from "./host-knowledge.ts";
import { errorText } from "../base/system-error.ts";
import type { Config } from "../config/config.ts";
import { counted, describePlan } from "../config/describe-plan.ts";
import { formatDiagnostic, type Diagnostic } from "../config/diagnostic.ts";
import type { NodePlan } from "../config/node-plan.ts";
import { withoutSecrets } from "../config/without-secrets.ts";
import { findNode, planNode } from "../config/plan.ts";
import { readConfig } from "../config/read.ts";
import { stepText } from "../director/plan.ts";
import { describeForecast, forecastKernel, type KernelForecast } from "./kernel-forecast.ts";

/** How `edge-ha check` was called. */
export interface CheckOptions {
  readonly config: string;
  /** From `--node`, or null to find out. */
  readonly node: string | null;
  /** Also say what the node will do. */
  readonly plan: boolean;
  readonly json: boolean;
  /** The admin socket, where a service that runs says how its checks stand. */
  readonly socket: string;
}

/** What a check came to; `problem` is what is wrong beside the file's own faults. */
interface Outcome {
  readonly diagnostics: readonly Diagnostic[];
  readonly config: Config | null;
  readonly plan: NodePlan | null;
  readonly kernel: KernelForecast | null;
  readonly problem: string | null;
}

/** Reads the configuration, prints everything that is wrong with it, and gives the exit status: 0, or 2 if it cannot be used. */
export async function runCheck(options: CheckOptions): Promise<number> {
  const outcome = await examine(options);
  if (options.json) printJson(options, outcome);
  else printText(options, outcome);
  return isUsable(outcome) ? 0 : 2;
}

async function examine(options: CheckOptions): Promise<Outcome> {
  let text: Uint8Array;
  try {
    text = await readFile(options.config);
  } catch (error) {
    const problem = `${options.config} cannot be read: ${errorText(error)}; name the file with --config`;
    return { diagnostics: [], config: null, plan: null, kernel: null, problem };
  }
  const { config, diagnostics } = readConfig(text, options.config, hostKnowledge);
  const isAsked = options.plan || options.node !== null;
  if (config === null || !isAsked) return { diagnostics, config, plan: null, kernel: null, problem: null };
  const localAddresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ address }) => canonicalAddress(address) ?? []),
  );
  const found = findNode(config, { name: options.node, hostName: hostname(), localAddresses });
  if (found.node === null) {
    return { diagnostics, config, plan: null, kernel: null, problem: `${options.config}: ${found.reason}` };
  }
  const plan = options.plan ? planNode(config, found.node, { cores: availableParallelism() }) : null;
  const kernel = plan === null ? null : await forecastKernel(plan.director, options.socket);
  return { diagnostics, config, plan, kernel, problem: null };
}

function isUsable(outcome: Outcome): boolean {
  return outcome.config !== null && outcome.problem === null;
}

function printJson(options: CheckOptions, outcome: Outcome): void {
  const { diagnostics, problem } = outcome;
  const plan = outcome.plan === null ? null : withoutSecrets(outcome.plan);
  const kernel = jsonForecast(outcome.kernel);
  const document = { file: options.config, isUsable: isUsable(outcome), problem, diagnostics, plan, kernel };
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

function jsonForecast(kernel: KernelForecast | null): unknown {
  return kernel === null ? null : { ...kernel, steps: kernel.steps?.map(stepText) ?? null };
}

function printText(options: CheckOptions, outcome: Outcome): void {
  for (const diagnostic of outcome.diagnostics) {
    process.stderr.write(`${coloured(diagnostic, formatDiagnostic(options.config, diagnostic))}\n`);
  }
  if (outcome.problem !== null) process.stderr.write(`edge-ha: ${outcome.problem}\n`);
  if (outcome.config === null || outcome.problem !== null) return;
  process.stdout.write(`${options.config}: ok: ${summary(outcome.config, outcome.diagnostics.length)}\n`);
  if (outcome.plan !== null) process.stdout.write(`\n${describePlan(outcome.plan)}\n`);
  if (outcome.kernel !== null) process.stdout.write(`\n${describeForecast(outcome.kernel)}\n`);
}

function summary(config: Config, warnings: number): string {
  const vips = config.instances.reduce((sum, { addresses }) => sum + addresses.length, 0);
  const parts = [
    counted(config.nodes.length, "node"),
    counted(vips, "VIP"),
    ...(config.services.length > 0 ? [counted(config.services.length, "service")] : []),
    ...(config.sites.length > 0 ? [counted(config.sites.length, "site")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ];
  return parts.join(", ");
}

/** Errors red and warnings yellow, on a terminal whose user did not ask otherwise. */
function coloured(diagnostic: Diagnostic, line: string): string {
  if (!process.stderr.isTTY || (process.env["NO_COLOR"] ?? "") !== "") return line;
  return `\u001b[${diagnostic.severity === "error" ? 31 : 33}m${line}\u001b[0m`;
}
