import { unreachable } from "../base/assert.ts";
import { knownUser } from "../base/known-users.ts";
import type { Log } from "../base/log.ts";
import type { UserIds } from "../base/program.ts";
import { errorText } from "../base/system-error.ts";
import { whenOrphaned, type Channel } from "../ipc/channel.ts";
import type { HandoverReport } from "../ipc/handover.ts";
import type { FromVrrp, ToVrrp } from "../ipc/messages.ts";
import type { ScriptUser } from "../ipc/script-user.ts";
import { lockMemory, setRealtime } from "../kernel/process-control.ts";
import { type KernelHost, openKernelHost } from "./kernel-host.ts";
import { changePauseMs, isRoutineDue, signIntervalMs } from "./status-rhythm.ts";
import { VrrpNode } from "./vrrp-node.ts";

/**
 * The `vrrp` process: every election of this node, in a process of its own so that nothing delays an
 * advertisement. It resigns and leaves when it is told to, when it gets SIGTERM and when the supervisor is gone.
 */
export function runVrrpProcess(channel: Channel<ToVrrp, FromVrrp>, log: Log): void {
  new VrrpProcess(channel, log).run();
}

const realtimePriority = 50;
/** With what the addresses take to go, it has to be less than the supervisor waits for the end of this process. */
const noticesLimitMs = 1500;
const reconcileIntervalMs = 10_000;

class VrrpProcess {
  readonly #channel: Channel<ToVrrp, FromVrrp>;
  readonly #log: Log;
  #opened: { readonly host: KernelHost; readonly node: VrrpNode } | null = null;
  #users: ReadonlyMap<string | null, ScriptUser> = new Map();
  #isStatusQueued = false;
  #statusAt = 0;
  #statusCount = 0;
  #isStopping = false;
  /** Whether another supervisor is to come in the place of the one that started this process. */
  #outlives = false;

  constructor(channel: Channel<ToVrrp, FromVrrp>, log: Log) {
    this.#channel = channel;
    this.#log = log;
  }

  run(): void {
    process.on("SIGTERM", () => this.#stop("stopped by SIGTERM"));
    // The terminal's Ctrl-C and hang-up are the supervisor's business.
    process.on("SIGINT", () => undefined);
    for (const signal of ["SIGHUP", "SIGUSR1"] as const) process.on(signal, () => undefined);
    this.#channel.onClosed(() => {
      if (this.#outlives) whenOrphaned(() => this.#stopAlone());
      else this.#stopAlone();
    });
    this.#channel.onMessage((message) => this.#receive(message));
    this.#channel.send({ kind: "hello" });
    setInterval(() => this.#showLife(), signIntervalMs);
    setInterval(() => this.#opened?.node.reconcile(), reconcileIntervalMs);
  }

  #receive(message: ToVrrp): void {
    if (message.kind === "departure") return this.#opened?.node.departures.answer(message.reply);
    if (this.#isStopping) return;
    switch (message.kind) {
      case "configure":
        return this.#configure(message);
      case "proxies":
        return this.#opened?.node.setProxiesAlive(message.areAlive);
      case "verdicts":
        return this.#opened?.node.setVerdicts(message.verdicts, false);
      case "handover":
        return this.#handOver(message);
      case "outlive":
        this.#outlives = true;
        return this.#channel.send({ kind: "outlives" });
      case "stop":
        return this.#stop("stopped");
      default:
        return unreachable(message);
    }
  }

  #handOver({ id, order }: Extract<ToVrrp, { kind: "handover" }>): void {
    const report = (outcome: HandoverReport): void =>
      this.#channel.send({ kind: "handover", id, report: outcome });
    if (this.#opened === null) report({ outcomes: [], refusal: "the service is still starting" });
    else this.#opened.node.handOver(order, report);
  }

  #configure(message: Extract<ToVrrp, { kind: "configure" }>): void {
    const { plan, adopt, handedOver, proxiesAreAlive, uptimeMs, verdicts, users } = message;
    this.#users = new Map(users.map((user) => [user.name, user]));
    try {
      this.#opened ??= this.#open();
      this.#opened.node.setProxiesAlive(proxiesAreAlive);
      this.#opened.node.setUptime(uptimeMs);
      this.#opened.node.setVerdicts(verdicts, true);
      this.#opened.node.configure(plan, adopt, handedOver);
      this.#channel.send({ kind: "configured" });
    } catch (error) {
      this.#channel.send({ kind: "refused", reason: errorText(error) });
    }
    this.#queueStatus();
  }

  #open(): { readonly host: KernelHost; readonly node: VrrpNode } {
    const host = openKernelHost(this.#log, (name) => this.#userOf(name));
    const node = new VrrpNode({
      host,
      log: this.#log,
      changed: () => this.#queueStatus(),
      depart: (departure) => this.#channel.send({ kind: "departure", departure }),
    });
    // Once the threads that wait for sockets and timers exist: all of them become realtime.
    this.#tryTo("no realtime scheduling, a busy host can delay elections", () =>
      setRealtime(realtimePriority),
    );
    this.#tryTo("memory is not locked, a host that swaps can delay elections", lockMemory);
    return { host, node };
  }

  /** The supervisor has asked: a name service that hangs must not silence an active node. */
  #userOf(name: string | null): UserIds | null {
    const told = this.#users.get(name);
    if (told === undefined) return knownUser(name);
    if (told.problem !== null) throw new Error(told.problem);
    return told.ids;
  }

  #tryTo(consequence: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#log.warning(`${consequence}: ${errorText(error)}`);
    }
  }

  /** Sends one status for any number of changes at the same time. */
  #queueStatus(): void {
    if (this.#isStatusQueued) return;
    this.#isStatusQueued = true;
    const send = (): void => {
      this.#isStatusQueued = false;
      this.#sendStatus();
    };
    const waitMs = this.#statusAt + changePauseMs(this.#statusCount) - performance.now();
    if (waitMs <= 0) setImmediate(send);
    else setTimeout(send, waitMs);
  }

  /** What has changed must not be called unchanged, and is told next. */
  #showLife(): void {
    const ageMs = performance.now() - this.#statusAt;
    if (isRoutineDue(ageMs, this.#statusCount)) this.#sendStatus();
    else if (!this.#isStatusQueued) this.#channel.send({ kind: "unchanged" });
  }

  #sendStatus(): void {
    if (this.#opened === null) return;
    const { node } = this.#opened;
    const instances = node.statuses();
    this.#statusAt = performance.now();
    this.#statusCount = instances.length;
    this.#channel.send({ kind: "status", instances, bfd: node.bfdReport() });
  }

  /** Nobody will say any more that connections have ended. */
  #stopAlone(): void {
    this.#stop("the supervisor is gone");
    this.#opened?.node.departures.hurry();
  }

  #stop(reason: string): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    if (this.#opened === null) this.#leave();
    else this.#opened.node.stop(reason, () => void this.#finish());
  }

  /** The addresses are gone by now, so that scripts may take their time. */
  async #finish(): Promise<void> {
    await this.#opened?.node.finishNotices(noticesLimitMs);
    this.#leave();
  }

  #leave(): void {
    this.#channel.send({ kind: "stopped" });
    this.#opened?.host.close();
    this.#opened = null;
    // The message is on its way by the time the queue of this turn is empty.
    setImmediate(() => process.exit(0));
  }
}
