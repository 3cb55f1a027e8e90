import { readFile } from "node:fs/promises";
import { availableParallelism, hostname, networkInterfaces } from "node:os";
import { serveAdmin, type AdminServer, type ReloadReply } from "../admin/server.ts";
import { systemClock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import { createLog, type Log } from "../base/log.ts";
import { hostKnowledge } from "./host-knowledge.ts";
import { errorText } from "../base/system-error.ts";
import { formatDiagnostic, type Diagnostic } from "../config/diagnostic.ts";
import type { NodePlan } from "../config/node-plan.ts";
import { findNode, planNode } from "../config/plan.ts";
import { readConfig } from "../config/read.ts";
import { SectionMemory } from "../config/section-memory.ts";
import { lockNamespace } from "../kernel/namespace-lock.ts";
import type { FromDirector, ToDirector } from "../ipc/messages.ts";
import type { ConfigStatus } from "../ipc/status.ts";
import type { Outcome } from "../supervisor/keeper.ts";
import { Ahead } from "../supervisor/ahead.ts";
import { startChild } from "../supervisor/child.ts";
import { socketsOfManager } from "../supervisor/inherited-sockets.ts";
import { installedCommand, installedPath } from "../supervisor/self-command.ts";
import { refusalOf } from "../supervisor/successor-check.ts";
import { readSuccession, succeed } from "../supervisor/succession.ts";
import { serviceManager, type ServiceManager } from "../supervisor/notify.ts";
import { Supervisor } from "../supervisor/supervisor.ts";

/** How `edge-ha serve` was called. */
export interface ServeOptions {
  readonly config: string;
  readonly node: string | null;
  readonly socket: string;
  readonly version: string;
}

interface Loaded {
  readonly plan: NodePlan | null;
  readonly messages: readonly string[];
}

/** Runs the node until it is told to stop; gives the exit status: 0 stopped, 1 failed, 2 configuration wrong. */
export async function runServe(options: ServeOptions): Promise<number> {
  const log = createLog("edge-ha");
  const memory = new SectionMemory();
  const manager = serviceManager(process.env);
  const succession = readSuccession(process.env);
  // Its watchdog goes on running while one program takes another's place.
  if (succession !== null) manager.watchdog();
  // It takes its time to start, and so does a large file to be read.
  using director = new Ahead<ToDirector, FromDirector>((handlers) =>
    startChild({ role: "director", descriptors: [], user: null, ...handlers }),
  );
  const loaded = await load(options, memory);
  for (const message of loaded.messages) process.stderr.write(`${message}\n`);
  if (loaded.plan === null) return 2;
  if (!isAlone(log)) return 1;
  const supervisor = new Supervisor(loaded.plan, {
    clock: systemClock,
    log,
    version: options.version,
    director,
    inherited: succession?.sockets ?? socketsOfManager(process.env, process.pid),
    succession,
    manager,
  });
  const service = new Service({ ...options, memory }, supervisor, manager);
  if (succession !== null) service.feedWatchdog();
  let admin: AdminServer;
  try {
    admin = await serveAdmin(options.socket, {
      status: async () => ({ ...(await supervisor.status(service.configStatus)), isUp: service.isUp }),
      reload: () => service.reload(),
      replace: () => service.replace(),
      failover: (order) => supervisor.handOver(order),
      drain: (order) => supervisor.drain(order),
      purge: (order) => Promise.resolve(supervisor.purge(order)),
    });
  } catch (error) {
    log.error(withHint(errorText(error)));
    return 1;
  }
  const stopped = untilStopped(service);
  process.on("SIGUSR1", () => supervisor.reopenLogs());
  const started = await Promise.race([service.start(), stopped.then(() => null)]);
  if (started?.kind === "refused") {
    log.error(`cannot start: ${withHint(started.reason)}`);
    await supervisor.giveUp();
    admin.close();
    return 1;
  }
  if (started !== null) {
    log.notice(`node ${loaded.plan.node} of cluster ${loaded.plan.cluster} is up`);
    service.started();
  }
  await stopped;
  service.manager.stopping();
  await supervisor.stop();
  admin.close();
  log.notice("stopped");
  return 0;
}

/**
 * Tells whether no other node runs in this network namespace: two would share their ports without a word, and each would
 * take the other's addresses for leftovers. A lock that another user holds stops nobody.
 */
function isAlone(log: Log): boolean {
  const holder = lockNamespace("edge-ha.serve");
  if (holder === null) return true;
  if (holder.uid !== 0 && holder.uid !== process.getuid?.()) {
    log.warning(`process ${holder.pid} of user ${holder.uid} holds the lock of edge-ha: going on without it`);
    return true;
  }
  const who = holder.pid === 0 ? "" : ` (pid ${holder.pid})`;
  log.error(
    `another edge-ha serve${who} runs in this network namespace; stop it, or use a namespace of its own`,
  );
  return false;
}

/** Reloads one after the other, and talks to the service manager. */
class Service {
  readonly manager: ServiceManager;
  readonly #options: ServeOptions & { readonly memory: SectionMemory };
  readonly #supervisor: Supervisor;
  readonly #log = createLog("edge-ha");
  #config: ConfigStatus;
  #isUp = false;
  #cancelWatchdog: () => void = () => undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<ReloadReply> | null = null;

  constructor(
    options: ServeOptions & { readonly memory: SectionMemory },
    supervisor: Supervisor,
    manager: ServiceManager,
  ) {
    this.#options = options;
    this.#supervisor = supervisor;
    this.manager = manager;
    this.#config = { path: options.config, loadedAt: new Date().toISOString(), lastErrors: [] };
  }

  get configStatus(): ConfigStatus {
    return this.#config;
  }

  /** Whether everything was started once. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Starts everything; a reload that is asked for meanwhile waits until that is done. */
  start(): Promise<Outcome> {
    const outcome = this.#supervisor.start();
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }

  started(): void {
    this.manager.ready("serving");
    this.#isUp = true;
    this.feedWatchdog();
  }

  /** Tells the service manager every so often that all is well. A start has limits of its own. */
  feedWatchdog(): void {
    const { watchdogMs } = this.manager;
    if (watchdogMs === null) return;
    this.#cancelWatchdog();
    if (!this.#isUp || this.#supervisor.isWell) this.manager.watchdog();
    this.#cancelWatchdog = systemClock.schedule(later(systemClock.now(), watchdogMs), () =>
      this.feedWatchdog(),
    );
  }

  /**
   * Reads the file again; on any error the old configuration stays in force. All who ask before it begins share one
   * reload, as it reads the file as it is then.
   */
  reload(): Promise<ReloadReply> {
    if (this.#waiting !== null) return this.#waiting;
    const reply = this.#last.then(() => {
      this.#waiting = null;
      return this.#reload();
    });
    this.#waiting = reply;
    this.#last = reply.catch(() => undefined);
    return reply;
  }

  /**
   * Has the executable that is installed now take this one's place, once it has found nothing wrong with the configuration:
   * shortly after the reply. What is open goes on; no reload begins meanwhile.
   */
  replace(): Promise<ReloadReply> {
    const { config, node } = this.#options;
    const reply = this.#last.then(async () => {
      const nodeWords = node === null ? [] : ["--node", node];
      const messages = await refusalOf(
        installedCommand("check", "--config", config, ...nodeWords),
        checkLimitMs,
      );
      for (const message of messages ?? []) this.#log.error(message);
      if (messages !== null)
        this.#log.error(`${installedPath} does not take this program's place: it goes on`);
      return { isAccepted: messages === null, messages: messages ?? [] };
    });
    this.#last = reply
      .then(({ isAccepted }) => (isAccepted ? this.#giveWay() : undefined))
      .catch(() => undefined);
    return reply;
  }

  /** Comes back only if the other program cannot run, or if this one is stopped meanwhile. */
  async #giveWay(): Promise<void> {
    this.manager.reloading();
    await Bun.sleep(replyMs);
    try {
      const succession = await this.#supervisor.prepareSuccession();
      if (succession === null) return;
      this.#log.notice(`${installedPath} takes this program's place`);
      this.#supervisor.letGo();
      this.manager.watchdog();
      succeed(installedCommand(...process.argv.slice(2)), process.env, succession);
    } catch (error) {
      this.#supervisor.goOn();
      this.#log.error(`the program could not be replaced: ${errorText(error)}`);
      this.manager.ready("serving: the program could not be replaced");
    }
  }

  async #reload(): Promise<ReloadReply> {
    this.manager.reloading();
    const reply = await this.#tryReload();
    const level = reply.isAccepted ? "notice" : "error";
    for (const message of reply.messages) this.#log[level](message);
    if (reply.isAccepted) {
      this.#config = { path: this.#options.config, loadedAt: new Date().toISOString(), lastErrors: [] };
      this.#log.notice("configuration reloaded");
    } else {
      this.#config = { ...this.#config, lastErrors: reply.messages };
      this.#log.error("reload refused: the old configuration stays in force");
    }
    this.manager.ready(
      reply.isAccepted ? "serving" : "serving the old configuration: the reload was refused",
    );
    return reply;
  }

  async #tryReload(): Promise<ReloadReply> {
    try {
      const loaded = await load(this.#options, this.#options.memory);
      if (loaded.plan === null) return { isAccepted: false, messages: loaded.messages };
      const outcome = await this.#supervisor.reload(loaded.plan);
      if (outcome.kind === "configured") return { isAccepted: true, messages: loaded.messages };
      return { isAccepted: false, messages: [...loaded.messages, outcome.reason] };
    } catch (error) {
      return { isAccepted: false, messages: [errorText(error)] };
    }
  }
}

/** A check of thousands of services takes some seconds; a program that hangs takes no other's place. */
const checkLimitMs = 30_000;
/** So long has an answer on the admin socket to get out before this program is gone. */
const replyMs = 100;

/** Resolves at the first SIGTERM or SIGINT; SIGHUP reloads. */
function untilStopped(service: Service): Promise<void> {
  process.on("SIGHUP", () => void service.reload());
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
}

/** Adds to a refusal by the kernel what it mostly means. */
function withHint(reason: string): string {
  const isForbidden = /\b(?:EACCES|EPERM)\b/.test(reason);
  return isForbidden && process.getuid?.() !== 0 ? `${reason}; this takes root` : reason;
}

async function load(options: ServeOptions, memory: SectionMemory): Promise<Loaded> {
  let text: Uint8Array;
  try {
    text = await readFile(options.config);
  } catch (error) {
    return { plan: null, messages: [`${options.config}: cannot be read: ${errorText(error)}`] };
  }
  const { config, diagnostics } = readConfig(text, options.config, hostKnowledge, memory);
  if (config === null) return { plan: null, messages: lines(diagnostics, options.config) };
  const localAddresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  const found = findNode(config, { name: options.node, hostName: hostname(), localAddresses });
  if (found.node === null) {
    return {
      plan: null,
      messages: [...lines(diagnostics, options.config), `${options.config}: ${found.reason}`],
    };
  }
  const plan = planNode(config, found.node, { cores: availableParallelism() });
  return { plan, messages: lines(diagnostics, options.config) };
}

function lines(diagnostics: readonly Diagnostic[], file: string): string[] {
  return diagnostics.map((diagnostic) => formatDiagnostic(file, diagnostic));
}
