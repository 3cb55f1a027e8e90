import { systemClock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { groupedClock } from "../health/grouped-clock.ts";
import { attemptProbe } from "../health/probe.ts";
import { Prober } from "../health/prober.ts";
import type { Channel } from "../ipc/channel.ts";
import type { FromDirector, ToDirector, Verdict } from "../ipc/messages.ts";
import { Ipvs } from "../kernel/ipvs.ts";
import { Journal, stateDirectory } from "../kernel/journal.ts";
import { Director } from "./director.ts";
import { DrainBook } from "./drain-book.ts";
import { QuorumScripts } from "./quorum-scripts.ts";

const statusIntervalMs = 1_000;
/** How often the table is compared with what it should be even if nothing has happened here. */
const reconcileIntervalMs = 10_000;

/**
 * The `director` process: every health check of this node, and its part of the kernel's IPVS table. If the supervisor
 * goes without a word, the table stays for the process that comes next; a stop removes what is this node's.
 */
export function runDirectorProcess(channel: Channel<ToDirector, FromDirector>, log: Log): void {
  const clock = systemClock;
  let verdicts: Verdict[] = [];
  const prober = new Prober({
    clock: groupedClock(clock),
    log,
    attempt: attemptProbe,
    onVerdict: (verdict) => {
      // Verdicts of one moment are one change of the table and one message.
      if (verdicts.push(verdict) === 1) clock.schedule(clock.now(), deliver);
    },
  });
  const journal = Journal.open(stateDirectory(process.env), "director");
  const book = DrainBook.open(stateDirectory(process.env));
  const quorumScripts = new QuorumScripts(log);
  const director = new Director({
    clock,
    log,
    prober,
    journal,
    book,
    openIpvs: () => Ipvs.open(),
    tell: (change) => quorumScripts.tell(change),
  });

  const sendStatus = (): void =>
    channel.send({ kind: "status", probes: prober.status(), services: director.status() });
  const deliver = (): void => {
    channel.send({ kind: "verdicts", verdicts });
    verdicts = [];
    director.reconcile();
    sendStatus();
  };
  const every = (intervalMs: number, action: () => void): void => {
    clock.schedule(later(clock.now(), intervalMs), () => {
      action();
      every(intervalMs, action);
    });
  };
  const stop = async (): Promise<void> => {
    director.stop();
    await quorumScripts.finish();
    channel.send({ kind: "stopped" });
    // Closing the channel delivers what is in it, and the end of the channel is the end of the process.
    if (process.connected) process.disconnect?.();
  };

  ignoreTerminal();
  process.once("SIGTERM", () => void stop());
  channel.onClosed(() => process.exit(0));
  channel.onMessage((message) => {
    switch (message.kind) {
      case "configure": {
        const reason = director.configure(message.plan);
        channel.send(reason === null ? { kind: "configured" } : { kind: "refused", reason });
        return sendStatus();
      }
      case "drain":
        channel.send({ kind: "drain", id: message.id, report: director.drain(message.order) });
        return sendStatus();
      case "stop":
        return void stop();
    }
  });
  every(statusIntervalMs, () => {
    if (director.isWaiting) director.reconcile();
    sendStatus();
  });
  every(reconcileIntervalMs, () => director.reconcile());
  channel.send({ kind: "hello" });
}

/** A terminal's signals are the supervisor's business. */
function ignoreTerminal(): void {
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
}
