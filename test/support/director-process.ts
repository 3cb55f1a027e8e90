import { resolve } from "node:path";
import type { DirectorPlan } from "../../src/config/node-plan.ts";
import { planText, servicesTexts } from "../../src/ipc/plan-text.ts";
import type { FromDirector, Verdict } from "../../src/ipc/messages.ts";
import type { ProbeStatus } from "../../src/ipc/status.ts";
import { roleArgument } from "../../src/supervisor/self-command.ts";
import type { Host } from "./lab.ts";
import { waitFor } from "./lab.ts";

const project = resolve(import.meta.dir, "../..");

/** A `director` process alone, with the test as its supervisor. */
export interface DirectorProcess extends AsyncDisposable {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Everything it said, in order. */
  readonly messages: readonly FromDirector[];
  /** Sends a plan and gives the reason if it is refused, null if not. */
  configure(plan: DirectorPlan): Promise<string | null>;
  /** All verdicts so far. */
  verdicts(): readonly Verdict[];
  /** The last that was heard of a probe. */
  probe(id: string): ProbeStatus | undefined;
  /** Asks it to leave and gives its exit status. */
  stop(): Promise<number>;
  /** Closes the channel, as the death of a supervisor does. */
  abandon(): void;
}

/** How a director is started. */
export interface DirectorStart {
  readonly env?: Readonly<Record<string, string>>;
  /** Without it nothing is known of probes but their verdicts: with thousands of them all that asking is most of the work. */
  readonly isAsked?: boolean;
}

/** Starts the role as the supervisor does, from source, on a host of the lab. */
export async function startDirector(
  host: Host,
  { env = {}, isAsked = true }: DirectorStart = {},
): Promise<DirectorProcess> {
  const messages: FromDirector[] = [];
  const variables = { EDGE_HA_STATE_DIRECTORY: host.directory, ...env };
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const entry = [process.execPath, resolve(project, "src/main.ts"), roleArgument, "director"];
  const child = Bun.spawn(["ip", "netns", "exec", host.netns, "/usr/bin/env", ...settings, ...entry], {
    cwd: host.directory,
    stdio: ["ignore", "inherit", Bun.file(`${host.directory}/director.log`)],
    ipc: (message: unknown) => messages.push(message as FromDirector),
  });
  const asking = setInterval(() => {
    if (!isAsked) return;
    try {
      child.send({ kind: "show" });
    } catch {
      // It has closed the channel, and is about to end.
      clearInterval(asking);
    }
  }, 50);
  await waitFor("the director says hello", () => messages.some(({ kind }) => kind === "hello"));
  return {
    pid: child.pid,
    exited: child.exited,
    messages,
    async configure(plan) {
      const before = answers(messages).length;
      for (const services of servicesTexts(plan.services)) child.send({ kind: "services", services });
      child.send({ kind: "configure", plan: planText(plan), verdicts: [], found: [] });
      await waitFor("the director answers", () => answers(messages).length > before);
      const answer = answers(messages)[before];
      return answer?.kind === "refused" ? answer.reason : null;
    },
    verdicts: () => messages.flatMap((message) => (message.kind === "verdicts" ? message.verdicts : [])),
    probe(id) {
      const status = messages.findLast((message) => message.kind === "status");
      return status?.probes.find((probe) => probe.id === id);
    },
    stop() {
      clearInterval(asking);
      child.send({ kind: "stop", keepsServices: false });
      return child.exited;
    },
    abandon() {
      clearInterval(asking);
      child.disconnect();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(asking);
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function answers(messages: readonly FromDirector[]): readonly FromDirector[] {
  return messages.filter(({ kind }) => kind === "configured" || kind === "refused");
}
