import { familyOf } from "../../src/base/address.ts";
import { instant, later, type Instant } from "../../src/base/instant.ts";
import type { NeighbourWord } from "../../src/kernel/neighbour-word.ts";
import type { ReceivedPacket } from "../../src/kernel/raw-multicast.ts";
import type {
  AddressRequest,
  ChangeOutcome,
  InterfaceAddress,
  Link,
  RouteChange,
  RouteEvent,
} from "../../src/kernel/rtnetlink.ts";
import type { Program } from "../../src/base/program.ts";
import type {
  Host,
  Neighbourhood,
  Routes,
  ScriptResult,
  Segment,
  SegmentPlace,
} from "../../src/vrrp/host.ts";
import { FakeBfdNet } from "./fake-bfd.ts";
import { FakeProcesses } from "./fake-processes.ts";
import type { FakeClock } from "./fake-clock.ts";
import { FakeFib } from "./fake-fib.ts";
import { FakeLeases } from "./fake-leases.ts";
import { FakeRouteTables } from "./fake-route-tables.ts";
import { seededRandom } from "./seeded-random.ts";
import { FakePacketFilter } from "./fake-packet-filter.ts";
import { FakeVirtualMacLinks } from "./fake-virtual-mac-links.ts";

/** What happened on a network, in order. */
export interface Heard {
  readonly at: Instant;
  readonly machine: string;
  readonly network: string;
  readonly payload: Uint8Array;
}

interface Listener {
  readonly machine: FakeMachine;
  readonly place: SegmentPlace;
  readonly receive: (packet: ReceivedPacket) => void;
}

/** Networks that lose, delay and partition what is sent over them. */
export class FakeSegment {
  readonly clock: FakeClock;
  /** Every packet sent, also those that got lost. */
  readonly sent: Heard[] = [];
  /** Probability that a packet does not reach one receiver. */
  loss = 0;
  maxDelayMs = 0;
  readonly #random: () => number;
  readonly #listeners = new Set<Listener>();
  readonly #machines = new Set<FakeMachine>();
  /** Machines by network that hear only others of the same island; 0 is the mainland. */
  readonly #islands = new Map<string, number>();
  readonly #deaf = new Set<string>();
  /** What travels by BFD; it is lost, delayed and partitioned as the rest is. */
  readonly bfd: FakeBfdNet = new FakeBfdNet(this);

  constructor(clock: FakeClock, seed = 1) {
    this.clock = clock;
    this.#random = seededRandom(seed);
  }

  /** Lets a machine ask who else holds an address; every machine on the network answers for itself. */
  openNeighbourhood(
    machine: FakeMachine,
    network: string,
    react: (word: NeighbourWord) => void,
  ): Neighbourhood {
    this.#machines.add(machine);
    let wanted: readonly string[] = [];
    let isOpen = true;
    return {
      listenFor: (addresses) => void (wanted = addresses),
      probe: (address) => {
        for (const other of this.#machines) {
          if (other === machine || !other.hasCarrier(network) || !other.holds(address)) continue;
          if (!wanted.includes(address) || !machine.hasCarrier(network)) continue;
          const islands = [machine, other].map(({ name }) => this.#islands.get(`${name} ${network}`) ?? 0);
          if (islands[0] !== islands[1]) continue;
          const mac = `02:00:00:00:ff:${other.name.slice(-1).padStart(2, "0")}`;
          this.clock.schedule(later(this.clock.now(), 0.1), () => {
            if (isOpen) react({ address, mac, isAnswer: true });
          });
        }
      },
      close: () => void (isOpen = false),
    };
  }

  /** Moves a machine to an island of one network. */
  isolate(machine: string, network: string, island: number): void {
    this.#islands.set(`${machine} ${network}`, island);
  }

  /** Keeps a machine from hearing anything on one network, though it is heard there. */
  deafen(machine: string, network: string): void {
    this.#deaf.add(`${machine} ${network}`);
  }

  /** Brings everybody together again. */
  heal(): void {
    this.#islands.clear();
    this.#deaf.clear();
  }

  /** Connects a socket. */
  open(machine: FakeMachine, place: SegmentPlace, receive: (packet: ReceivedPacket) => void): Segment {
    const listener: Listener = { machine, place, receive };
    this.#listeners.add(listener);
    return {
      send: (payload, to) => this.#send(listener, payload, to),
      floods: () => null,
      close: () => this.#listeners.delete(listener),
    };
  }

  #send(from: Listener, payload: Uint8Array, destination: string): void {
    const { name: network } = from.place.link;
    if (!from.machine.hasCarrier(network)) return;
    this.sent.push({ at: this.clock.now(), machine: from.machine.name, network, payload });
    for (const to of this.#listeners) {
      if (to.machine === from.machine || to.place.link.name !== network) continue;
      if (to.place.group !== destination && !to.machine.holds(destination)) continue;
      if (this.#random() < this.loss || !this.#areTogether(from, to)) continue;
      const at = later(this.clock.now(), this.#random() * this.maxDelayMs);
      this.clock.schedule(at, () => this.#deliver(from, to, { payload, destination }));
    }
  }

  #deliver(from: Listener, to: Listener, sent: Pick<ReceivedPacket, "payload" | "destination">): void {
    if (to.machine.isDeaf) return;
    to.machine.whenRunning(() => this.#receive(from, to, sent));
  }

  #receive(from: Listener, to: Listener, sent: Pick<ReceivedPacket, "payload" | "destination">): void {
    const { name: network } = to.place.link;
    const isDeaf = this.#deaf.has(`${to.machine.name} ${network}`);
    const hears = this.#listeners.has(to) && to.machine.hasCarrier(network) && !isDeaf;
    if (!hears || !this.#areTogether(from, to)) return;
    const { source } = from.place;
    to.receive({ ...sent, source, ttl: 255, totalLength: 20 + sent.payload.length });
  }

  /** Tells whether two machines are on one island of a network. */
  areTogether(a: FakeMachine, b: FakeMachine, network: string): boolean {
    const islandOf = ({ name }: FakeMachine): number => this.#islands.get(`${name} ${network}`) ?? 0;
    return islandOf(a) === islandOf(b);
  }

  #areTogether(a: Listener, b: Listener): boolean {
    return (
      a.place.link.name === b.place.link.name && this.areTogether(a.machine, b.machine, a.place.link.name)
    );
  }
}

/** A machine with interfaces and a kernel; `boot` gives its next process a host to live on. */
export class FakeMachine {
  readonly name: string;
  /** Result of each script by its first word; those not named succeed. */
  readonly scripts: Map<string, ScriptResult> = new Map();
  /** Every script run, in order. */
  readonly ran: Program[] = [];
  /** Content of files by their paths. */
  readonly files: Map<string, string> = new Map();
  readonly processes: FakeProcesses = new FakeProcesses();
  readonly routeTables: FakeRouteTables = new FakeRouteTables();
  /** Addresses that answer when they are asked. */
  readonly neighbours: Set<string> = new Set();
  /** Lines written to FIFOs, and whether anybody reads them. */
  readonly fifoLines: string[] = [];
  isFifoRead = true;
  /** Addresses announced, in order. */
  readonly announced: string[] = [];
  /** The MACs that neighbours were asked from, in order. */
  readonly askedAs: Uint8Array[] = [];
  /** Whether addresses keep their tags, as they do from Linux 5.18 on. */
  keepsTags = true;
  /** Routes and rules. */
  readonly fib: FakeFib = new FakeFib((event) => this.#tell(event));
  /** What the journal holds. */
  noted: ReadonlySet<string> = new Set();
  /** Kernel settings by their paths. */
  readonly settings: Map<string, string> = new Map();
  readonly virtualMacLinks: FakeVirtualMacLinks;
  readonly packetFilter: FakePacketFilter;
  readonly #segment: FakeSegment;
  readonly #links: Map<string, Link>;
  #missed: (() => void)[] | null = null;
  #isDeaf = false;
  #addresses: InterfaceAddress[];
  readonly #heldBack = new Set<string>();
  readonly #subscribers = new Set<(event: RouteEvent) => void>();
  readonly #leases: FakeLeases;

  constructor(name: string, segment: FakeSegment, own: Readonly<Record<string, string | readonly string[]>>) {
    this.name = name;
    this.#segment = segment;
    this.#leases = new FakeLeases(segment.clock);
    const names = Object.keys(own);
    this.#links = new Map(names.map((link, index) => [link, fakeLink(link, index + 2)]));
    this.#addresses = Object.entries(own).flatMap(([link, addresses]) => {
      return [addresses].flat().map((address) => addressOn(this.#link(link), address, 0));
    });
    const tell = (event: RouteEvent): void => this.#tell(event);
    this.virtualMacLinks = new FakeVirtualMacLinks({ links: this.#links, tell });
    this.packetFilter = new FakePacketFilter((action) => this.#soon(action));
  }

  /** Starts a process: its timers and sockets end with `kill`, what it left in the kernel stays. */
  boot(): { readonly host: Host; readonly kill: () => void } {
    let isAlive = true;
    let cancelAlarm: (() => void) | null = null;
    const segments = new Set<Segment>();
    const { clock } = this.#segment;
    const whenRunning = (action: () => void): void => this.whenRunning(action);
    const subscriptions = new Set<(event: RouteEvent) => void>();
    const bfd = this.#segment.bfd.hostOf(this);
    const host: Host = {
      bfd,
      random: seededRandom(11),
      clock: {
        now: () => clock.now(),
        wallTime: () => clock.wallTime(),
        schedule: (at, action) => clock.schedule(at, () => whenRunning(() => isAlive && action())),
      },
      alarm: {
        set(at, action) {
          cancelAlarm?.();
          cancelAlarm = clock.schedule(at, () => whenRunning(() => isAlive && action()));
        },
        clear: () => cancelAlarm?.(),
      },
      routes: this.#routes(subscriptions),
      journal: this.#journal(),
      settings: {
        read: (path) => this.settings.get(path) ?? "0",
        write: (path, value) => void this.settings.set(path, value),
      },
      virtualMacLinks: this.virtualMacLinks,
      openPacketFilter: () => this.packetFilter.open(),
      openSpeaker: (place) => this.#segment.open(this, place, () => undefined),
      announce: (_link, address): void => void this.announced.push(address),
      openSegment: (place, receive) => {
        const segment = this.#segment.open(this, place, receive);
        segments.add(segment);
        return segment;
      },
      openFifo: (path) => ({
        write: (line) => {
          if (!this.isFifoRead) return `nobody reads ${path}`;
          this.fifoLines.push(line);
          return null;
        },
        close: () => undefined,
      }),
      processes: this.processes.host(whenRunning),
      watchRoutes: this.routeTables.host(whenRunning),
      openReachability: (_place, target, answered) => ({
        ask: () => {
          const answer = (): void => void (isAlive && this.neighbours.has(target) && answered());
          clock.schedule(later(clock.now(), 1), () => whenRunning(answer));
        },
        close: () => undefined,
      }),
      readFile: (path) => this.files.get(path) ?? null,
      watchFile: () => () => undefined,
      openNeighbourhood: ({ link }, react) => {
        this.askedAs.push(link.mac);
        return this.#segment.openNeighbourhood(this, link.name, react);
      },
      openCapture: () => ({ close: () => undefined }),
      runScript: (script) => {
        const { command } = script;
        this.ran.push(script);
        return Promise.resolve(
          this.scripts.get(command[0] ?? "") ?? { hasSucceeded: true, text: "exit status 0" },
        );
      },
      resolveUser(name) {
        if (name === null || name === "nobody") return { uid: 65_534, gid: 65_534 };
        throw new Error(`there is no user ${name} to run a script as`);
      },
    };
    const kill = (): void => {
      isAlive = false;
      cancelAlarm?.();
      for (const segment of segments) segment.close();
      bfd.close();
      for (const react of subscriptions) this.#subscribers.delete(react);
    };
    return { host, kill };
  }

  /** Stops every process; what happens meanwhile waits for `thaw`, packets only if there is room for them. */
  freeze(keepsPackets: boolean): void {
    this.#missed ??= [];
    this.#isDeaf = !keepsPackets;
  }

  /** Lets them go on, with everything they missed at once. */
  thaw(): void {
    const missed = this.#missed ?? [];
    this.#missed = null;
    this.#isDeaf = false;
    for (const each of missed) each();
  }

  get isFrozen(): boolean {
    return this.#missed !== null;
  }

  /** Whether packets that arrive are lost. */
  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  /** Does something now, or as soon as the machine is not frozen any more. */
  whenRunning(action: () => void): void {
    if (this.#missed === null) action();
    else this.#missed.push(action);
  }

  /** Tells whether an address is on any interface. */
  holds(address: string): boolean {
    return this.#addresses.some((each) => each.address === address);
  }

  hasCarrier(link: string): boolean {
    return this.#links.get(link)?.hasCarrier ?? false;
  }

  /** Pulls or plugs a cable. */
  setCarrier(name: string, hasCarrier: boolean): void {
    const link = { ...this.#link(name), hasCarrier };
    this.#links.set(name, link);
    this.#tell({ kind: "link", link, isGone: false });
  }

  /** Takes a link down or up, as `ip link set` does. */
  setUp(name: string, isUp: boolean): void {
    const link = { ...this.#link(name), isUp, hasCarrier: isUp };
    this.#links.set(name, link);
    this.#tell({ kind: "link", link, isGone: false });
  }

  /** Gives a link another name or another MAC, as `ip link set` does; it stays up. */
  changeLink(name: string, change: Partial<Pick<Link, "name" | "mac">>): void {
    const link = { ...this.#link(name), ...change };
    this.#links.delete(name);
    this.#links.set(link.name, link);
    this.#tell({ kind: "link", link, isGone: false });
  }

  /** Adds an address as an operator would. */
  addByHand(link: string, address: string, protocol = 0): void {
    const added = addressOn(this.#link(link), address, protocol);
    this.#addresses.push(added);
    this.#tell({ kind: "address", address: added, isGone: false });
  }

  /** Has duplicate address detection begin, pass or fail. */
  setReadiness(address: string, readiness: InterfaceAddress["readiness"]): void {
    const changed = this.#addresses
      .filter((each) => each.address === address)
      .map((each) => Object.assign({}, each, { readiness }));
    this.#addresses = [...this.#addresses.filter((each) => each.address !== address), ...changed];
    for (const each of changed) this.#tell({ kind: "address", address: each, isGone: false });
  }

  /** Has duplicate address detection of an address begin with its next addition. */
  holdBack(address: string): void {
    this.#heldBack.add(address);
  }

  /** Removes an address as an operator would. */
  removeByHand(address: string): void {
    for (const gone of this.#addresses.filter((each) => each.address === address)) {
      this.#addresses = this.#addresses.filter((each) => each !== gone);
      this.#tell({ kind: "address", address: gone, isGone: true });
    }
  }

  #routes(subscriptions: Set<(event: RouteEvent) => void>): Routes {
    return {
      links: () => [...this.#links.values()],
      addresses: () => [...this.#addresses],
      taggedRoutes: (protocol) => this.fib.routes.filter((route) => route.protocol === protocol),
      rules: () => [...this.fib.rules],
      leases: () => this.#addresses.map((address) => this.#leases.of(address)),
      apply: (changes) => changes.map((change) => this.#change(change)),
      subscribeFib: (react) => {
        subscriptions.add(react);
        this.#subscribers.add(react);
        return () => this.#subscribers.delete(react);
      },
      subscribe: (react) => {
        subscriptions.add(react);
        this.#subscribers.add(react);
        return () => this.#subscribers.delete(react);
      },
    };
  }

  #journal(): Host["journal"] {
    const read = (): ReadonlySet<string> => this.noted;
    return {
      get entries() {
        return read();
      },
      note: (entries) => void (this.noted = new Set(entries)),
    };
  }

  #change(change: RouteChange): ChangeOutcome {
    if (!("address" in change)) return this.fib.apply(change);
    const { linkIndex, address } = change.address;
    const there = this.#addresses.find((each) => each.linkIndex === linkIndex && each.address === address);
    if (change.kind === "add-address") {
      if (there !== undefined) return "idle";
      const { linkIndex, address, prefixLength, label, scope } = change.address;
      const protocol = this.keepsTags ? change.address.protocol : 0;
      const readiness = this.#heldBack.has(address) ? "tentative" : "ready";
      const added = { linkIndex, address, prefixLength, label, scope, protocol, readiness } as const;
      this.#addresses.push(added);
      this.#tell({ kind: "address", address: added, isGone: false });
      return "done";
    }
    if (change.kind === "lease-address") return this.#lease(change.address, change.lifetimeS);
    if (there === undefined) return "idle";
    this.#addresses = this.#addresses.filter((each) => each !== there);
    this.#tell({ kind: "address", address: there, isGone: true });
    return "done";
  }

  #lease(address: AddressRequest, lifetimeS: number): ChangeOutcome {
    const { linkIndex } = address;
    if (!this.#addresses.some((each) => each.linkIndex === linkIndex && each.address === address.address))
      this.#change({ kind: "add-address", address });
    // The kernel's own doing: a machine whose processes are stopped loses the address all the same.
    this.#leases.renew(address, lifetimeS, () => this.removeByHand(address.address));
    return "done";
  }

  #tell(event: RouteEvent): void {
    this.#soon(() => {
      for (const react of this.#subscribers) react(event);
    });
  }

  /** Like the kernel's, events come a little later than the change. */
  #soon(action: () => void): void {
    const { clock } = this.#segment;
    clock.schedule(later(clock.now(), 0.1), () => this.whenRunning(action));
  }

  #link(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`${this.name} has no interface ${name}`);
    return link;
  }
}

/** The moment at which a fake clock starts. */
export const beginning: Instant = instant(1000);

function fakeLink(name: string, index: number): Link {
  return { index, name, mac: Uint8Array.of(2, 0, 0, 0, 0, index), isUp: true, hasCarrier: true, mtu: 1500 };
}

function addressOn(link: Link, address: string, protocol: number): InterfaceAddress {
  const prefixLength = familyOf(address) === 4 ? 24 : 64;
  const common = { label: null, scope: 0, readiness: "ready" } as const;
  return { linkIndex: link.index, address, prefixLength, protocol, ...common };
}
