import { systemClock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { counted } from "../config/describe-plan.ts";
import type { FoundName } from "../config/lookup-plan.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import { groupedClock } from "../health/grouped-clock.ts";
import { Prober } from "../health/prober.ts";
import { ArrivingPlan } from "../ipc/arriving-plan.ts";
import type { Channel } from "../ipc/channel.ts";
import type { FromDirector, ToDirector, Verdict } from "../ipc/messages.ts";
import { stateDirectory } from "../kernel/journal.ts";
import { Balancer } from "./balancer.ts";
import { NamedPlans } from "./names/named-plans.ts";
import type { Names } from "./names/names.ts";
import { openNames } from "./names/open-names.ts";
import { attemptsBy, openDetours } from "./open-detours.ts";
import { openFooting } from "./open-footing.ts";
import { PlansInTurn } from "./plans-in-turn.ts";
import { SignsOfLife } from "./signs-of-life.ts";

const lookIntervalMs = 1_000;
/** How often the table is compared with what it should be even if nothing has happened here. */
const reconcileIntervalMs = 10_000;

/**
 * The `director` process: every health check of this node, and its part of the kernel's IPVS table. If the supervisor
 * goes without a word, the table stays for the process that comes next; a stop removes what is this node's.
 */
export function runDirectorProcess(channel: Channel<ToDirector, FromDirector>, log: Log): void {
  const clock = systemClock;
  let verdicts: Verdict[] = [];
  const life = new SignsOfLife(clock, () => channel.send({ kind: "alive" }));
  const detours = openDetours(clock, log);
  const prober = new Prober({
    clock: groupedClock(clock),
    log,
    attempt: attemptsBy(detours),
    onVerdict: (verdict) => {
      // Verdicts of one moment are one change of the table and one message.
      if (verdicts.push(verdict) === 1) clock.schedule(clock.now(), deliver);
    },
  });
  const balancer = new Balancer({
    clock,
    log,
    prober,
    detours,
    stand: (standings, isWhole) => channel.send({ kind: "standings", standings, isWhole }),
    onProgress: () => life.show(),
  });
  const footing = openFooting(stateDirectory(process.env), log);
  const names = openNames(clock, log, () => named.takeFound());
  const named: NamedPlans = new NamedPlans({
    names,
    balancer,
    isUp: (probe) => prober.verdict(probe),
    tell: (found) => channel.send({ kind: "found", names: found }),
  });
  const plans = new PlansInTurn({
    clock,
    balancer,
    begin: (plan, found) => footing.change(plan.footing, () => balancer.configure(named.begin(plan), found)),
    answer: (reason) => {
      if (reason === null) named.carriedOut(() => channel.send({ kind: "configured" }));
      else named.refused(() => channel.send({ kind: "refused", reason }));
    },
  });
  const deliver = (): void => {
    channel.send({ kind: "verdicts", verdicts });
    verdicts = [];
    balancer.reconcile();
    named.checked();
  };
  const end = async (keepsServices: boolean): Promise<void> => {
    plans.stop();
    named.stop();
    if (!keepsServices || !leaves(balancer, footing, log)) await removeServices(balancer, footing);
    endProcess(channel);
  };

  heedSignals(() => void end(false));
  channel.onClosed(() => process.exit(0));
  obey(channel, { prober, balancer, footing, names, named, plans }, end);
  keepLooking(life, balancer, footing);
  channel.send({ kind: "hello" });
}

interface Crew {
  readonly prober: Prober;
  readonly balancer: Balancer;
  readonly footing: ReturnType<typeof openFooting>;
  readonly names: Names;
  readonly named: NamedPlans;
  readonly plans: PlansInTurn;
}

/** What comes with a plan for a process that has had one. */
const nothingKnown = { verdicts: [], found: [] } as const;

/** Does what the supervisor says. */
function obey(
  channel: Channel<ToDirector, FromDirector>,
  crew: Crew,
  end: (keepsServices: boolean) => Promise<void>,
): void {
  const { balancer, footing, named, names, plans, prober } = crew;
  const arriving = new ArrivingPlan();
  const configure = (plan: DirectorPlan, verdicts: readonly Verdict[], found: readonly FoundName[]): void => {
    prober.inherit(verdicts);
    named.lookUp(plan, found);
    plans.configure(plan, byProbe(verdicts));
  };
  channel.onMessage((message) => {
    switch (message.kind) {
      case "services":
      case "change":
      case "configure": {
        const plan = arriving.take(message);
        const { verdicts, found } = message.kind === "configure" ? message : nothingKnown;
        if (plan !== null) configure(plan, verdicts, found);
        return;
      }
      case "suspects":
        for (const probe of message.probes) prober.hasten(probe);
        return;
      case "drained":
        return balancer.heardOpen(message.open);
      case "drain":
        return channel.send({ kind: "drain", id: message.id, report: balancer.drain(message.order) });
      case "show": {
        const [probes, found] = [prober.status(), names.status()];
        return channel.send({ kind: "status", probes, names: found, ...shown(balancer, footing) });
      }
      case "stop":
        return void end(message.keepsServices);
    }
  });
}

/** Leaves what an earlier process had in the kernel; false, with nothing done yet, if that is nothing. */
function leaves(balancer: Balancer, footing: ReturnType<typeof openFooting>, log: Log): boolean {
  const left = balancer.leave();
  if (left === 0) return false;
  footing.leave();
  const what = `${counted(left, "service")} of an earlier run stay in the kernel's table`;
  log.warning(`${what}: nobody checks their servers until a start succeeds`);
  return true;
}

async function removeServices(balancer: Balancer, footing: ReturnType<typeof openFooting>): Promise<void> {
  await balancer.stop();
  footing.stop();
}

/** Closing the channel delivers what is in it, and the end of the channel is the end of the process. */
function endProcess(channel: Channel<ToDirector, FromDirector>): void {
  channel.send({ kind: "stopped" });
  if (process.connected) process.disconnect?.();
}

function keepLooking(life: SignsOfLife, balancer: Balancer, footing: ReturnType<typeof openFooting>): void {
  every(lookIntervalMs, () => {
    balancer.advance();
    life.show();
  });
  every(reconcileIntervalMs, () => {
    balancer.look();
    footing.reconcile();
  });
}

function byProbe(verdicts: readonly Verdict[]): ReadonlyMap<string, boolean> {
  return new Map(verdicts.map(({ probe, isUp }) => [probe, isUp]));
}

function every(intervalMs: number, action: () => void): void {
  systemClock.schedule(later(systemClock.now(), intervalMs), () => {
    action();
    every(intervalMs, action);
  });
}

/** A terminal's signals are the supervisor's business. */
function heedSignals(stop: () => void): void {
  process.once("SIGTERM", stop);
  for (const signal of ["SIGINT", "SIGHUP", "SIGUSR1"] as const) process.on(signal, () => undefined);
}

type Shown = Pick<Extract<FromDirector, { readonly kind: "status" }>, "services" | "proxied" | "footing">;

function shown(balancer: Balancer, footing: ReturnType<typeof openFooting>): Shown {
  return { ...balancer.status(), footing: { ...footing.status(), marks: balancer.marks() } };
}
