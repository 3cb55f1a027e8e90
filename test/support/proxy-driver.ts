import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../src/base/log.ts";
import { noContent } from "../../src/config/content-plan.ts";
import type { ProxyPlan } from "../../src/config/node-plan.ts";
import type {
  AccessLogPlan,
  ListenerPlan,
  RoutePlan,
  SitePlan,
  UpstreamPlan,
  UpstreamServerPlan,
} from "../../src/config/http-plan.ts";
import { proxiedServerId } from "../../src/config/proxied-plan.ts";
import { weightBy } from "../../src/config/weight-word.ts";
import { noHeaderRules, plainListenerPolicy, plainRouting } from "../../src/config/routing-plan.ts";
import type { ClientNote } from "../../src/ipc/client-book.ts";
import type { FromProxy, SpentNote, ToProxy, Verdict } from "../../src/ipc/messages.ts";
import type { OpenNews } from "../../src/ipc/open-news.ts";
import type { ServerEjection } from "../../src/ipc/server-ejection.ts";
import type { ServerStanding } from "../../src/ipc/standing.ts";
import type { SlotNews } from "../../src/ipc/slot-news.ts";
import type { ProxiedTraffic, ProxyStatus } from "../../src/ipc/status.ts";
import { listeningSockets, type ListeningSocket } from "../../src/ipc/listening-socket.ts";
import { closeListener, listenTcp, listenUdp } from "../../src/kernel/listen.ts";
import { proxyRuntimeOptions } from "../../src/supervisor/child.ts";
import { prepareCacheFolders } from "../../src/supervisor/cache-folders.ts";
import { readCredentials } from "../../src/supervisor/credentials.ts";
import { Seats } from "../../src/supervisor/seats.ts";
import type { SlotsBefore } from "../../src/supervisor/slot-ledger.ts";
import { SlotOffice } from "../../src/supervisor/slot-office.ts";
import { readPages } from "../../src/supervisor/pages.ts";

/** No program was there before. */
const nobodyBefore: SlotsBefore = {
  claims: () => [],
  lend: () => false,
  recall: () => undefined,
  areHere: false,
  areYielding: false,
};

let lastPort = 20_000 + Math.trunc(Math.random() * 10_000);

/** Gives a free port of the loopback address, another each time, below those the kernel gives to clients. */
export function freePort(): number {
  for (;;) {
    lastPort = lastPort >= 32_000 ? 20_000 : lastPort + 1;
    try {
      Bun.listen({ hostname: "127.0.0.1", port: lastPort, socket: { data: () => undefined } }).stop(true);
      return lastPort;
    } catch {
      // Somebody has it: the next one.
    }
  }
}

/** Names a server of an upstream on the loopback address. */
export function upstreamServer(port: number, more: Partial<UpstreamServerPlan> = {}): UpstreamServerPlan {
  const usual = { weight: 1, probe: null, isBackup: false, mostConnections: 0, name: null };
  return { address: "127.0.0.1", port, ...usual, ...more };
}

/** Makes an upstream with usual limits. */
export function upstream(
  name: string,
  servers: readonly UpstreamServerPlan[],
  more: Partial<UpstreamPlan> = {},
): UpstreamPlan {
  return {
    name,
    balance: "round-robin",
    hash: null,
    hashBound: 1.25,
    sticky: null,
    ejection: null,
    retries: { tries: null, timeoutMs: null, on: ["connect", "closed"], budget: 0.2, hedgeMs: null },
    queue: null,
    servers,
    named: [],
    http2: false,
    proxyProtocol: null,
    keepAliveConnections: 128,
    keepAliveIdleMs: 60_000,
    keepAliveRequests: null,
    keepAliveAgeMs: null,
    tls: null,
    ...more,
  };
}

/** Makes a route with usual limits. */
export function route(path: string, upstreamName: string, more: Partial<RoutePlan> = {}): RoutePlan {
  const responseHeaders = { remove: [], set: [], add: [] };
  return {
    path,
    upstream: upstreamName,
    retries: null,
    connectTimeoutMs: 5_000,
    sendTimeoutMs: 60_000,
    readTimeoutMs: 60_000,
    maxBodyBytes: 2 ** 40,
    headLimits: null,
    responseHeaders,
    accessLog: null,
    content: noContent,
    admission: { basicAuth: null, rateLimit: null, connectionLimit: null },
    routing: plainRouting,
    ...more,
  };
}

/** Makes an access log in a file. */
export function fileLog(
  path: string,
  format = "main",
  escape: AccessLogPlan["escape"] = null,
): AccessLogPlan {
  return { to: { kind: "file", path }, format, escape };
}

/** Makes a site of the listener `http`. */
export function site(
  hosts: readonly string[],
  routes: readonly RoutePlan[],
  more: Partial<SitePlan> = {},
): SitePlan {
  const policy = { access: null, redirect: null };
  return {
    hosts,
    listeners: ["http"],
    accessLog: null,
    ids: null,
    errorPages: null,
    responseHeaders: noHeaderRules,
    compression: null,
    policy,
    routes,
    ...more,
  };
}

const anyPace = { bytesPerS: 0, windowMs: 30_000, stallMs: 60_000 };

/** Makes a listener with usual limits. */
export function listener(port: number, more: Partial<ListenerPlan> = {}): ListenerPlan {
  const sockets = [{ address: "127.0.0.1", port }];
  return {
    name: "http",
    sockets,
    headTimeoutMs: 60_000,
    idleTimeoutMs: 75_000,
    tls: null,
    proxyProtocol: null,
    upload: anyPace,
    download: anyPace,
    headLimits: { startLineBytes: 8 * 1024, headBytes: 16 * 1024, fields: 128 },
    mostConnections: null,
    mostPerSource: null,
    http2: false,
    http3: null,
    policy: plainListenerPolicy,
    ...more,
  };
}

/** Makes a plan with one listener, one upstream `apps` and one site for every host. */
export function simplePlan(
  port: number,
  servers: readonly UpstreamServerPlan[],
  more: Partial<ProxyPlan> = {},
): ProxyPlan {
  return {
    workers: 1,
    user: "root",
    mostFlows: 1000,
    mostConnections: null,
    drainMs: 1000,
    cacheBytes: 16 * 1024 ** 2,
    via: "edge-ha",
    listeners: [listener(port)],
    relays: [],
    upstreams: [upstream("apps", servers)],
    sites: [site(["*"], [route("/", "apps")])],
    ...more,
  };
}

function open({ protocol, ...endpoint }: ListeningSocket): number {
  return protocol === "tcp" ? listenTcp({ endpoint, backlog: 1024 }) : listenUdp(endpoint);
}

/** Gives what a director says of servers whose checks have a verdict. */
function standingsOf({ relays, upstreams }: ProxyPlan, verdicts: readonly Verdict[]): ServerStanding[] {
  const groups = [
    ...relays.map(({ name, servers }) => ({ kind: "relay" as const, name, servers })),
    ...upstreams.map(({ name, servers }) => ({ kind: "upstream" as const, name, servers })),
  ];
  return groups.flatMap(({ kind, name, servers }) =>
    servers.flatMap((server) => {
      const verdict = verdicts.find(({ probe }) => probe === server.probe);
      if (verdict === undefined) return [];
      const weight = weightBy(server.weight, verdict.weight);
      const id = proxiedServerId(kind, name, server);
      const endsConnections = kind === "relay" && !verdict.isUp;
      return [{ server: id, isOpen: verdict.isUp, weight, drainedSince: null, endsConnections }];
    }),
  );
}

const entry = fileURLToPath(new URL("proxy-entry.ts", import.meta.url));

/** What a process has in common with those that were there before. */
interface Service {
  readonly descriptors?: readonly number[];
  readonly seats?: Seats;
}

/** A proxy process under test, started as the supervisor starts it. */
export class ProxyDriver implements AsyncDisposable {
  readonly pid: number;
  /** Resolves with the exit status. */
  readonly exited: Promise<number>;
  status: ProxyStatus | null = null;
  /** Whether it keeps caches on disk within their bounds: one of several does. */
  keepsDisks = true;
  /** Everything it has told of clients of relays with persistence. */
  readonly clients: ClientNote[] = [];
  /** Everything it has told of what was spent of rate limits. */
  readonly spent: SpentNote[] = [];
  /** Everything it has told of what it has open. */
  readonly open: OpenNews[] = [];
  private readonly subprocess: Bun.Subprocess;
  private readonly descriptors: readonly number[];
  private readonly sockets: Readonly<Record<string, number>>;
  private readonly ownsDescriptors: boolean;
  private readonly names: ReadonlyMap<string, ListeningSocket>;
  private plan: ProxyPlan | null = null;
  private answers: ((message: FromProxy) => void)[] = [];
  private lines = "";
  private lastShown = 0;

  /** Lends slots of what is limited to this process and its successors. */
  private office: SlotOffice = new SlotOffice(nobodyBefore);
  /** Whether nobody hears what it says of slots, and whether it has begun to leave them to others. */
  isUnheard = false;
  leavesSlots = false;
  /** Where it counts connections together with them. */
  private readonly seats: Seats;
  private readonly ownsSeats: boolean;

  private constructor(
    names: ReadonlyMap<string, ListeningSocket>,
    service: Service = {},
    wrapper: readonly string[] = [],
  ) {
    const inherited = service.descriptors ?? null;
    this.seats = service.seats ?? Seats.create();
    this.ownsSeats = service.seats === undefined;
    this.descriptors = inherited ?? [...names.values()].map(open);
    this.ownsDescriptors = inherited === null;
    this.names = names;
    // The child sees them as 3, 4, … in their order.
    this.sockets = Object.fromEntries([...names.keys()].map((name, index) => [name, 3 + index]));
    this.subprocess = Bun.spawn([...wrapper, process.execPath, entry], {
      stdio: ["ignore", "inherit", "pipe", ...this.descriptors, this.seats.descriptor],
      env: { ...process.env, ...proxyRuntimeOptions },
      serialization: "json",
      ipc: (message: FromProxy) => this.receive(message),
    });
    this.pid = this.subprocess.pid;
    this.exited = this.subprocess.exited;
    this.seats.take(this.pid);
    void this.exited.then(() => {
      this.seats.clear(this.pid);
      this.office.forget(this);
    });
    void this.readLog();
  }

  /**
   * Starts a process with sockets for these endpoints and puts a plan into force. `wrapper` is a command that runs what stands
   * behind it in its own place.
   */
  static async start(
    plan: ProxyPlan,
    verdicts: readonly Verdict[] = [],
    wrapper: readonly string[] = [],
  ): Promise<ProxyDriver> {
    const driver = new ProxyDriver(listeningSockets(plan), {}, wrapper);
    await driver.next((message) => message.kind === "hello");
    await driver.configure(plan, verdicts);
    return driver;
  }

  /** Starts another process with the same plan on the same sockets. */
  async successor(clients: readonly ClientNote[] = []): Promise<ProxyDriver> {
    if (this.plan === null) throw new Error("there is no plan yet");
    const driver = new ProxyDriver(this.names, { descriptors: this.descriptors, seats: this.seats });
    driver.keepsDisks = false;
    driver.office = this.office;
    await driver.next((message) => message.kind === "hello");
    await driver.configure(this.plan, [], clients);
    return driver;
  }

  /** Starts another process of the same service, with a plan and sockets of its own. */
  async beside(plan: ProxyPlan): Promise<ProxyDriver> {
    const driver = new ProxyDriver(listeningSockets(plan), { seats: this.seats });
    driver.office = this.office;
    await driver.next((message) => message.kind === "hello");
    await driver.configure(plan);
    return driver;
  }

  /** Puts a plan into force; throws what the process refuses it with. */
  async configure(
    plan: ProxyPlan,
    verdicts: readonly Verdict[] = [],
    clients: readonly ClientNote[] = [],
  ): Promise<void> {
    const answer = this.next(({ kind }) => kind === "configured" || kind === "refused");
    const standings = standingsOf(plan, verdicts);
    const [credentials, pages] = [readCredentials(plan), readPages(plan)];
    prepareCacheFolders(plan, null, silentLog);
    const told = { standings, clients, credentials, pages, found: [], keepsDisks: this.keepsDisks };
    this.send({ kind: "configure", plan, sockets: this.sockets, counts: 3 + this.names.size, ...told });
    const message = await answer;
    if (message.kind === "refused") throw new Error(message.reason);
    this.plan = plan;
  }

  /** Says how servers stand by what their checks have found, and nothing else. */
  sendVerdicts(verdicts: readonly Verdict[]): void {
    if (this.plan === null) throw new Error("there is no plan yet");
    this.send({ kind: "standings", standings: standingsOf(this.plan, verdicts) });
  }

  send(message: ToProxy): void {
    this.subprocess.send(message);
  }

  /** Waits until it has heard everything that was sent to it, and then for a status: one under way already would not know of that. */
  async nextStatus(): Promise<ProxyStatus> {
    await this.traffic();
    const message = await this.next(({ kind }) => kind === "status");
    if (message.kind !== "status") throw new Error("unreachable");
    return message.status;
  }

  /** Asks what has passed to its servers, by their names. */
  async traffic(): Promise<Readonly<Record<string, ProxiedTraffic>>> {
    const id = ++this.lastShown;
    const answer = this.next((message) => message.kind === "servers" && message.id === id);
    this.send({ kind: "show", id });
    const message = await answer;
    if (message.kind !== "servers") throw new Error("unreachable");
    return message.servers;
  }

  /** Waits until it reports servers that failed clients, and gives their probes. */
  async nextSuspects(): Promise<readonly string[]> {
    const message = await this.next(({ kind }) => kind === "suspects");
    if (message.kind !== "suspects") throw new Error("unreachable");
    return message.probes;
  }

  /** Waits until it leaves servers alone, and gives which and why. */
  async nextEjections(): Promise<readonly ServerEjection[]> {
    const message = await this.next(({ kind }) => kind === "ejections");
    if (message.kind !== "ejections") throw new Error("unreachable");
    return message.ejections;
  }

  /** Kills it. */
  kill(): void {
    this.subprocess.kill("SIGKILL");
  }

  /** What it has logged so far. */
  log(): string {
    return this.lines;
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const pages = readFileSync(`/proc/${this.pid}/statm`, "latin1").split(" ")[1];
    return Number(pages) * 4096;
  }

  /** Memory that is its own and stands in no file, in bytes: heaps and stacks. */
  ownBytes(): number {
    const kibibytes = /^Anonymous: *(\d+) kB$/m.exec(
      readFileSync(`/proc/${this.pid}/smaps_rollup`, "latin1"),
    );
    return Number(kibibytes?.[1] ?? 0) * 1024;
  }

  /** Has it collect all garbage, waits until the allocator has given back what that freed, and gives its own memory in bytes. */
  async keptBytes(): Promise<number> {
    // What the first finds on the stack it keeps, whether it is of use or not; the second finds another stack.
    for (let times = 0; times < 2; times++) {
      process.kill(this.pid, "SIGUSR2");
      await this.traffic();
    }
    return this.settledBytes(5_000);
  }

  /** Gives its own memory in bytes once that has not fallen for a second, after so many milliseconds at the latest. */
  private async settledBytes(mostMs: number): Promise<number> {
    let least = this.ownBytes();
    let since = performance.now();
    for (const end = since + mostMs; performance.now() < end && performance.now() - since < 1000;) {
      await Bun.sleep(100);
      const now = this.ownBytes();
      if (now < least) since = performance.now();
      least = Math.min(least, now);
    }
    return least;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subprocess.kill("SIGKILL");
    await this.exited;
    if (this.ownsDescriptors) for (const fd of this.descriptors) closeListener(fd);
    if (this.ownsSeats) this.seats.close();
  }

  private next(matches: (message: FromProxy) => boolean): Promise<FromProxy> {
    const { promise, reject, resolve } = Promise.withResolvers<FromProxy>();
    const take = (message: FromProxy): void => {
      if (!matches(message)) return;
      this.answers = this.answers.filter((answer) => answer !== take);
      resolve(message);
    };
    this.answers.push(take);
    void this.exited.then((status) => reject(new Error(`the proxy exited with ${status}:\n${this.lines}`)));
    return promise;
  }

  private receive(message: FromProxy): void {
    if (message.kind === "status") this.status = message.status;
    if (message.kind === "clients") this.clients.push(...message.clients);
    if (message.kind === "spent") this.spent.push(...message.notes);
    if (message.kind === "open") this.open.push(message.news);
    if (message.kind === "slots") this.heardOfSlots(message.news);
    for (const answer of this.answers) answer(message);
  }

  private heardOfSlots(news: SlotNews): void {
    this.leavesSlots ||= news.notes.some(({ most }) => most === null);
    if (!this.isUnheard) this.office.heard(this, news);
  }

  private async readLog(): Promise<void> {
    const { stderr } = this.subprocess;
    if (!(stderr instanceof ReadableStream)) return;
    const decoder = new TextDecoder();
    for await (const bytes of stderr) this.lines += decoder.decode(bytes, { stream: true });
  }
}
