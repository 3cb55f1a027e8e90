import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyPlan, RelayPlan } from "../src/config/node-plan.ts";
import { EchoServer } from "../test/support/echo-tcp.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { freePort, ProxyDriver, simplePlan } from "../test/support/proxy-driver.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * Relays of TCP and UDP beside nginx's `stream`: processor time of the relaying process for each MiB, echo, connection and
 * flow, one process each, in turn within each round. Take the ratios, not the absolute figures.
 * usage: bun scripts/bench-relay.ts [--rounds N]
 */

const bar = 1.1;
const atOnce = 16;
const mebibyte = 1024 * 1024;
/** After this long without an answer a datagram is sent again. */
const lostMs = 500;

interface Ports {
  readonly tcp: number;
  readonly udp: number;
}

interface Contender extends Ports {
  readonly name: string;
  readonly pid: number;
}

interface Work {
  readonly name: string;
  readonly count: number;
  /** Null where there is no bar. */
  readonly bar: number | null;
  /** Does the work `count` times through a relay. */
  readonly run: (relay: Contender, count: number) => Promise<void>;
}

/** Does one thing after another, so many at once. */
async function inParallel(count: number, one: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Has a payload echoed so often over one connection. */
async function echoed(port: number, payload: Buffer, times: number): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  let left = times;
  let sent = 0;
  let received = 0;
  const pump = (socket: Bun.Socket): void => {
    while (sent < payload.length) {
      const written = socket.write(payload, sent, payload.length - sent);
      if (written <= 0) return;
      sent += written;
    }
  };
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: pump,
      drain: pump,
      data(socket, bytes) {
        received += bytes.length;
        if (received < payload.length) return;
        left -= 1;
        if (left === 0) {
          socket.end();
          return;
        }
        sent = received = 0;
        pump(socket);
      },
      close: () => (left === 0 ? resolve() : reject(new Error(`the relay on port ${port} hung up`))),
    },
  });
  await promise;
}

/** Has a datagram echoed so often from one port. */
async function echoedDatagrams(port: number, times: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = times;
  const socket: Bun.udp.ConnectedSocket<"buffer"> = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port },
    socket: {
      data() {
        left -= 1;
        if (left === 0) resolve();
        else socket.send("x");
      },
    },
  });
  socket.send("x");
  let before = left;
  const again = setInterval(() => {
    if (left === before) socket.send("x");
    before = left;
  }, lostMs);
  await promise;
  clearInterval(again);
  socket.close();
}

const large = Buffer.alloc(mebibyte, "x");
const single = Buffer.from("x");
const works: readonly Work[] = [
  {
    name: "1 MiB there and back, a connection each",
    count: 400,
    bar,
    run: ({ tcp }, count) => inParallel(count, () => echoed(tcp, large, 1)),
  },
  {
    name: "an echo of 1 byte, 16 connections",
    count: 64_000,
    bar,
    run: ({ tcp }, count) => inParallel(atOnce, () => echoed(tcp, single, count / atOnce)),
  },
  {
    name: "an echo of 1 byte, a connection each",
    count: 8_000,
    bar: null,
    run: ({ tcp }, count) => inParallel(count, () => echoed(tcp, single, 1)),
  },
  {
    name: "UDP, an echo of 1 byte, 16 flows",
    count: 64_000,
    bar: null,
    run: ({ udp }, count) => inParallel(atOnce, () => echoedDatagrams(udp, count / atOnce)),
  },
  {
    name: "UDP, an echo of 1 byte, a flow each",
    count: 4_000,
    bar: null,
    run: ({ udp }, count) => inParallel(count, () => echoedDatagrams(udp, 1)),
  },
];

function relayTo(port: number, server: number, udp: RelayPlan["udp"]): RelayPlan {
  const origin = { address: "127.0.0.1", port: server, weight: 1, probe: null };
  return {
    name: udp === null ? "tcp" : "udp",
    udp,
    sockets: [{ address: "127.0.0.1", port }],
    scheduler: "wrr",
    schedulerFlags: [],
    persistenceS: 0,
    persistencePrefix: { ipv4: 32, ipv6: 128 },
    connectTimeoutMs: 5_000,
    proxyProtocol: null,
    sorry: null,
    startsDown: false,
    servers: [{ ...origin, upperThreshold: 0, lowerThreshold: 0 }],
  };
}

function planTo(own: Ports, origin: Ports): ProxyPlan {
  const relays = [
    relayTo(own.tcp, origin.tcp, null),
    relayTo(own.udp, origin.udp, { idleTimeoutMs: 1_000, isOnePacket: false }),
  ];
  return simplePlan(0, [], { listeners: [], sites: [], relays, mostFlows: 16_384 });
}

function nginxConfig(folder: string, relay: Ports, origin: Ports): string {
  return `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
    daemon off; master_process off; worker_processes 1; error_log /dev/null; pid ${folder}/nginx.pid;
    events { worker_connections 16384; }
    stream {
      server { listen 127.0.0.1:${relay.tcp}; proxy_pass 127.0.0.1:${origin.tcp}; }
      server { listen 127.0.0.1:${relay.udp} udp; proxy_pass 127.0.0.1:${origin.udp}; proxy_timeout 1s; }
    }`;
}

async function startUdpEcho(): Promise<Bun.udp.Socket<"buffer">> {
  return Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (own, bytes, port, address) => void own.send(bytes, port, address) },
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.trunc(values.length / 2)] ?? Number.NaN;
}

async function compare(work: Work, contenders: readonly Contender[], rounds: number): Promise<boolean> {
  // A just-in-time compiler has to have seen the work before it is at its speed.
  for (const contender of contenders) await work.run(contender, work.count / 2);
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const before = processorMs(contender.pid);
      await work.run(contender, work.count);
      const used = processorMs(contender.pid) - before;
      figures.get(contender.name)?.push((used * 1000) / work.count);
    }
  }
  console.log(`\n${work.name}, ${work.count} of them, median of ${rounds} rounds`);
  const [ours = Number.NaN, peer = Number.NaN] = contenders.map(({ name }) => {
    const own = figures.get(name) ?? [];
    const all = own.map((value) => value.toFixed(1)).join(" ");
    console.log(`  ${name.padEnd(14)} ${median(own).toFixed(1).padStart(8)} µs of processor time  (${all})`);
    return median(own);
  });
  const ratio = ours / peer;
  const verdict = work.bar === null ? "no bar" : `bar ${work.bar}: ${ratio <= work.bar ? "met" : "NOT met"}`;
  console.log(`  ratio ${ratio.toFixed(2)}, ${verdict}`);
  return work.bar === null || ratio <= work.bar;
}

async function run(folder: string, rounds: number): Promise<boolean> {
  await using tcpEcho = new EchoServer();
  const udpEcho = await startUdpEcho();
  const origin = { tcp: tcpEcho.port, udp: udpEcho.port };
  const [ours, peer] = [
    { tcp: freePort(), udp: freePort() },
    { tcp: freePort(), udp: freePort() },
  ];
  await using driver = await ProxyDriver.start(planTo(ours, origin));
  const config = join(folder, "nginx.conf");
  writeFileSync(config, nginxConfig(folder, peer, origin));
  const nginx = Bun.spawn(["nginx", "-c", config], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    for (let attempt = 0; attempt < 100; attempt++) {
      const isUp = await echoed(peer.tcp, single, 1).then(
        () => true,
        () => false,
      );
      if (isUp) break;
      await Bun.sleep(50);
    }
    const contenders = [
      { name: "edge-ha", pid: driver.pid, ...ours },
      { name: "nginx stream", pid: nginx.pid, ...peer },
    ];
    const met: boolean[] = [];
    for (const work of works) met.push(await compare(work, contenders, rounds));
    return met.every(Boolean);
  } finally {
    nginx.kill();
    await nginx.exited;
    udpEcho.close();
  }
}

const given = readArguments({ usage: "scripts/bench relay [--rounds N]", options: { rounds: "number" } });
const folder = mkdtempSync(join(tmpdir(), "edge-ha-bench-"));
try {
  process.exitCode = (await run(folder, numberOf(given, "rounds", 5))) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
