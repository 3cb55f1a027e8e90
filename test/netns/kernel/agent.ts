import { readFileSync } from "node:fs";
import { familyOf } from "../../../src/base/address.ts";
import { instant } from "../../../src/base/instant.ts";
import { gratuitousArp } from "../../../src/kernel/arp.ts";
import { FrameSocket } from "../../../src/kernel/frame-socket.ts";
import { listenTcp } from "../../../src/kernel/listen.ts";
import { unsolicitedAdvertisement } from "../../../src/kernel/ndp.ts";
import { lockMemory, setRealtime } from "../../../src/kernel/process-control.ts";
import { RawMulticast } from "../../../src/kernel/raw-multicast.ts";
import {
  addressProtocol,
  fibProtocol,
  RouteNetlink,
  type Link,
  type RouteChange,
} from "../../../src/kernel/rtnetlink.ts";
import { readSysctl, writeSysctl } from "../../../src/kernel/sysctl.ts";
import {
  hasMarkings,
  presentMarkings,
  rebuiltMarkTable,
  type Marking,
} from "../../../src/kernel/mark-table.ts";
import { Nftables } from "../../../src/kernel/nftables.ts";
import { PreciseTimer } from "../../../src/kernel/timer.ts";

/**
 * Runs one piece of src/kernel inside a namespace for the tests beside it: `bun agent.ts WHAT [ARGUMENT…]`.
 * Every line it prints is one JSON document.
 */

const [what, ...parameters] = process.argv.slice(2);
const parameter = (index: number): string => {
  const value = parameters[index];
  if (value === undefined) throw new Error(`${what} wants more parameters`);
  return value;
};
const say = (document: unknown): void => {
  process.stdout.write(`${JSON.stringify(document)}\n`);
};
const netlink = RouteNetlink.open();

function marked(markings: readonly Marking[]): { readonly before: boolean; readonly after: boolean } {
  const filter = Nftables.open();
  const before = hasMarkings(filter, markings);
  if (!before) filter.apply(rebuiltMarkTable(markings));
  const after = hasMarkings(filter, markings);
  filter.close();
  return { before, after };
}

const link = (name: string): Link => {
  const found = netlink.links().find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no link ${name}`);
  return found;
};
const openMulticast = (): RawMulticast =>
  RawMulticast.open({
    protocol: 112,
    link: link(parameter(0)),
    group: familyOf(parameter(1)) === 4 ? "224.0.0.18" : "ff02::12",
    source: parameter(1),
    ttl: 255,
    tos: 0xc0,
  });

/** Makes code that no compiler has seen yet. */
function newFunction(seed: number): (value: number) => number {
  const text = `for (let i = 0; i < 2000; i++) value = (value * 31 + i + ${seed}) | 0; return value;`;
  // oxlint-disable-next-line typescript/no-implied-eval -- what is compiled is the text above
  return new Function("value", text) as (value: number) => number;
}

/** Tells whether the kernel has dropped a message to a netlink socket of this namespace, which is full. */
function hasDropped(): boolean {
  const [, ...sockets] = readFileSync("/proc/net/netlink", "latin1").trim().split("\n");
  return sockets.some((line) => Number(line.trim().split(/\s+/)[8]) > 0);
}

const actions: Readonly<Record<string, () => void | Promise<void>>> = {
  mark() {
    say(marked(JSON.parse(parameter(0)) as readonly Marking[]));
  },
  /** As many ports as a parameter does not hold. */
  markPorts() {
    const sockets = Array.from({ length: Number(parameter(0)) }, (_, index) => {
      return { protocol: 6, address: "192.0.2.1", port: index + 1 };
    });
    say(marked([{ mark: 9, family: 4, sockets }]));
  },
  marks() {
    const filter = Nftables.open();
    say(presentMarkings(filter));
    filter.close();
  },
  addAddress() {
    const [address = "", length] = parameter(1).split("/");
    const label = parameters[2] ?? null;
    const request = { linkIndex: link(parameter(0)).index, address, prefixLength: Number(length), label };
    say(netlink.addAddress({ ...request, scope: 0, protocol: addressProtocol.vrrp }));
  },
  removeAddress() {
    const [address = "", length] = parameter(1).split("/");
    say(
      netlink.removeAddress({ linkIndex: link(parameter(0)).index, address, prefixLength: Number(length) }),
    );
  },
  addresses: () => say(netlink.addresses()),
  links: () => say(netlink.links().map((item) => Object.assign({}, item, { mac: item.mac.toHex() }))),
  hostRoute() {
    const route = {
      destination: { address: parameter(1), length: 32 },
      linkIndex: link(parameter(0)).index,
      table: 254,
      scope: 253,
      protocol: 0x46,
      type: 1,
      gateway: null,
      source: null,
      metric: 0,
      isOnLink: false,
    } as const;
    say(netlink.addRoute(route));
    say(netlink.addRoute(route));
    say(netlink.routes(254).filter((item) => item.destination.length === 32));
    say(netlink.routes(4711));
    if (parameters[2] === "keep") return;
    say(netlink.removeRoute(route));
    say(netlink.removeRoute(route));
  },
  /** Takes changes as JSON, and gives what became of them. */
  apply() {
    const changes = JSON.parse(parameter(0)) as readonly RouteChange[];
    say(netlink.apply(changes).map((outcome) => (outcome instanceof Error ? outcome.message : outcome)));
  },
  fib: () => say({ routes: netlink.taggedRoutes(fibProtocol), rules: netlink.rules() }),
  watchFib() {
    netlink.subscribeFib(say);
    say("watching");
  },
  watch() {
    netlink.subscribe((event) =>
      say(event.kind === "link" ? { ...event, link: { ...event.link, mac: "" } } : event),
    );
    say("watching");
  },
  overrun() {
    netlink.subscribe((event) => {
      if (event.kind === "overrun") say("overrun");
      if (event.kind === "address" && event.address.address === "192.0.2.77") say(event);
    });
    const request = {
      linkIndex: link(parameter(0)).index,
      address: "192.0.2.66",
      prefixLength: 32,
      label: null,
    };
    // Nothing is read meanwhile: the notifications pile up until the socket is full, and the kernel counts what it drops.
    while (!hasDropped()) {
      for (let count = 0; count < 100; count++) {
        netlink.addAddress({ ...request, scope: 0, protocol: addressProtocol.vrrp });
        netlink.removeAddress(request);
      }
    }
  },
  announce() {
    const socket = FrameSocket.open();
    const { index, mac } = link(parameter(0));
    const address = parameter(1);
    const frame =
      familyOf(address) === 4
        ? gratuitousArp(mac, address)
        : unsolicitedAdvertisement({ mac, address, isRouter: true });
    for (let count = 0; count < 3; count++) socket.send(index, frame);
    socket.close();
    say("sent");
  },
  listenMulticast() {
    const socket = openMulticast();
    socket.onReceive((packet) => say({ ...packet, payload: packet.payload.toHex() }));
    say("listening");
  },
  sendMulticast() {
    const socket = openMulticast();
    socket.onReceive(() => say("heard itself"));
    for (const payload of parameters.slice(2)) socket.send(Uint8Array.fromHex(payload));
    setTimeout(() => {
      socket.close();
      say("sent");
    }, 200);
  },
  flood() {
    const socket = openMulticast();
    const garbage = new Uint8Array(24);
    say("flooding");
    const burst = (): void => {
      for (let count = 0; count < 1000; count++) {
        try {
          socket.send(garbage);
        } catch {
          // The queue is full, as it should be.
        }
      }
      setImmediate(burst);
    };
    burst();
  },
  tickUnderFlood() {
    const socket = openMulticast();
    let packets = 0;
    let ticks = 0;
    socket.onReceive(() => {
      packets += 1;
    });
    const timer = PreciseTimer.open();
    const tick = (): void => {
      ticks += 1;
      if (ticks < 50 || packets < 10_000) timer.set(instant(performance.now() + 10), tick);
      else say({ sawPackets: true, sawTicks: true });
    };
    tick();
  },
  listen() {
    const endpoint = { address: parameter(0), port: Number(parameter(1)) };
    const fds = [listenTcp({ endpoint, backlog: 16 }), listenTcp({ endpoint, backlog: 16 })];
    say(fds.length);
    setInterval(() => undefined, 1000);
  },
  realtime() {
    const early = PreciseTimer.open();
    setRealtime(40);
    lockMemory();
    const child = Bun.spawnSync(["chrt", "-p", "0"]);
    const limits = Bun.spawnSync(["prlimit", "--rttime", "--noheadings", "--raw", `--pid=${process.pid}`]);
    const threads = Bun.spawnSync([
      "ps",
      "-L",
      "-o",
      "cls=,rtprio=,comm=",
      "-p",
      String(process.pid),
    ]).stdout.toString();
    say({ child: child.stdout.toString(), limits: limits.stdout.toString(), threads });
    early.close();
  },
  /** Keeps the engine's own threads busy, its allocator's, its collector's and its compilers', and gives how many turns it came through. */
  async busyRealtime() {
    let kept: unknown[] = [];
    let turns = 0;
    setRealtime(50);
    for (; turns < 400; turns++) {
      for (let count = 0; count < 300; count++)
        kept.push({ text: "x".repeat(count % 50), block: new Uint8Array(200) });
      if (kept.length > 20_000) kept = [];
      for (let count = 0; count < 20; count++) newFunction(turns + count)(count);
      await Bun.sleep(5);
    }
    say(turns);
    process.exit();
  },
  runaway() {
    setRealtime(1);
    say("looping");
    setTimeout(() => {
      for (;;);
    }, 50);
  },
  sysctl() {
    writeSysctl(parameter(0), parameter(1));
    say(readSysctl(parameter(0)));
  },
};

const action = actions[what ?? ""];
if (action === undefined) throw new Error(`no action ${what}`);
await action();
