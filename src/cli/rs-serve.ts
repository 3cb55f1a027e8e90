import { unreachable } from "../base/assert.ts";
import { createLog, type Log } from "../base/log.ts";
import { parsePrefix, type Prefix } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import { readAgentAddress, type AgentForm } from "../config/agent-words.ts";
import type { Report } from "../real-server/control.ts";
import { takeLock } from "../real-server/lock.ts";
import { RealServerService, type ServiceWish } from "../real-server/service.ts";
import { defaultStatePath } from "../real-server/state-file.ts";
import { describeStep } from "../real-server/steps.ts";
import { serviceManager, type ServiceManager } from "../supervisor/notify.ts";
import { findWish, type WishOptions } from "./rs-wish.ts";

/** How `edge-ha rs serve` was called. */
export interface RsServeOptions extends WishOptions {
  /** State file, or null for the usual one. */
  readonly state: string | null;
  /** From `--agent`, as written, or null. */
  readonly agent: string | null;
  /** From `--allow`, as written. */
  readonly allow: readonly string[];
  /** From `--weight`, as written, or null. */
  readonly weight: string | null;
}

type Reading =
  | { readonly kind: "wish"; readonly wish: ServiceWish }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

/** Serves VIPs until it is told to stop, and keeps the machine fit for it; gives the exit status. */
export async function runRsServe(options: RsServeOptions): Promise<number> {
  const log = createLog("rs");
  const reading = await readServiceWish(options);
  if (reading.kind === "wrong") {
    for (const problem of reading.problems) log.error(problem);
    return 2;
  }
  const lock = await takeLock();
  if (lock.kind === "busy") {
    log.error(lock.reason);
    return 1;
  }
  if (lock.note !== "") log.warning(lock.note);
  // Asked for before the first change, so that a signal in between does not leave half of it behind.
  const stopped = untilToldToStop();
  const manager = serviceManager(process.env);
  const statePath = options.state ?? defaultStatePath(process.env);
  try {
    const service = new RealServerService(reading.wish, { statePath, log });
    if (!isDone(service.start(), log)) return 1;
    log.notice(`serving ${reading.wish.vips.join(", ")}`);
    manager.ready(`serving ${reading.wish.vips.join(", ")}`);
    process.on("SIGHUP", () => void reload(service, options, { log, manager }));
    await stopped;
    manager.stopping();
    return isDone(service.stop(), log) ? 0 : 1;
  } catch (error) {
    log.error(errorText(error));
    return 1;
  }
}

/** Reads everything that `rs serve` does; what the command line names goes before the file. */
export async function readServiceWish(options: RsServeOptions): Promise<Reading> {
  const reading = await findWish(options, false);
  if (reading.kind === "wrong") return reading;
  const { wish, realServer } = reading;
  const given = readGivenAgent(options);
  if (given.kind === "wrong") return given;
  const agent = given.agent ?? realServer?.agent ?? null;
  return { kind: "wish", wish: { ...wish, agent, health: realServer?.health ?? null } };
}

function readGivenAgent(
  options: RsServeOptions,
): { readonly kind: "agent"; readonly agent: AgentForm | null } | Extract<Reading, { kind: "wrong" }> {
  const { agent: text, allow: texts, weight: word } = options;
  if (text === null) {
    if (texts.length === 0 && word === null) return { kind: "agent", agent: null };
    return {
      kind: "wrong",
      problems: ["--allow and --weight are about the agent: write --agent ADDRESS:PORT too"],
    };
  }
  const place = readAgentAddress(text);
  const allow = texts.map(parsePrefix);
  const weight = word ?? "none";
  const problems = [
    ...(place === null ? [`--agent ${text} is no address with a port; write one such as :8081`] : []),
    ...texts
      .filter((_, index) => allow[index] === null)
      .map((one) => `--allow ${one} is no address; write one such as 192.0.2.10 or 198.51.100.0/24`),
    ...(weight === "none" || weight === "cpu" ? [] : [`--weight ${weight} is neither none nor cpu`]),
  ];
  if (problems.length > 0 || place === null || (weight !== "none" && weight !== "cpu")) {
    return { kind: "wrong", problems };
  }
  const known = allow.filter((one): one is Prefix => one !== null);
  return { kind: "agent", agent: { ...place, allow: known, weight } };
}

/** Reads everything again; what is wrong leaves the old wish in force. */
async function reload(
  service: RealServerService,
  options: RsServeOptions,
  { log, manager }: { readonly log: Log; readonly manager: ServiceManager },
): Promise<void> {
  manager.reloading();
  let status = "what is new cannot be had: still serving what was before";
  try {
    const reading = await readServiceWish(options);
    if (reading.kind === "wrong") {
      for (const problem of reading.problems) log.error(problem);
    } else if (isDone(service.change(reading.wish), log)) {
      status = `serving ${reading.wish.vips.join(", ")}`;
    }
  } catch (error) {
    log.error(errorText(error));
  }
  log.notice(status);
  manager.ready(status);
}

/** Says what was done, and tells whether all of it was. */
function isDone({ steps, notes, outcome }: Report, log: Log): boolean {
  for (const note of notes) log.notice(note);
  switch (outcome.kind) {
    case "done":
      for (const step of steps) log.info(describeStep(step));
      return true;
    case "forbidden":
      log.error("changing addresses and kernel settings takes root (CAP_NET_ADMIN)");
      return false;
    case "failed":
      for (const reason of [outcome.reason, ...outcome.stuck]) log.error(reason);
      return false;
    default:
      return unreachable(outcome);
  }
}

function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
