import { readFileSync } from "node:fs";
import { join } from "node:path";
import { noDirectorPlan } from "../src/config/node-plan.ts";
import type { ProbePlan } from "../src/config/check-plan.ts";
import { startDirector } from "../test/support/director-process.ts";
import { runCommand } from "../test/support/lab-command.ts";
import { type Child, type Host, Lab, waitFor } from "../test/support/lab.ts";
import { startNginx } from "../test/support/nginx.ts";
import { plannedProbe, usualHttp } from "../test/support/probe-plans.ts";
import { processorMs } from "../test/support/processor-time.ts";

/**
 * What 2,000 TCP and 500 HTTP checks a second cost, and how late they are: edge-ha's director beside keepalived's checkers
 * and HAProxy, in turn, against one nginx behind 2,500 addresses. keepalived gets a stand-in for IPVS, which this kernel
 * may lack: its tables cost it nothing here. An argument gives the seconds of each round.
 */

const seconds = Number(process.argv[2] ?? 15);
const warmUpMs = 6_000;
const rounds = 3;
const [tcpCount, httpCount] = [2_000, 500];

interface Target {
  readonly kind: "tcp" | "http";
  readonly address: string;
}

const targets: readonly Target[] = Array.from({ length: tcpCount + httpCount }, (_, index) => ({
  kind: index < tcpCount ? "tcp" : "http",
  address: `10.78.${index >> 8}.${index & 255}`,
}));

interface Contender {
  readonly name: string;
  /** Starts it on a host; gives the process that makes the checks and how to end it. */
  readonly start: (host: Host) => Promise<{ readonly pid: number; readonly stop: () => Promise<unknown> }>;
}

const contenders: readonly Contender[] = [
  { name: "keepalived", start: startKeepalivedCheckers },
  { name: "HAProxy", start: startHaproxy },
  { name: "edge-ha", start: startOurs },
];

async function startOurs(host: Host): ReturnType<Contender["start"]> {
  const director = await startDirector(host);
  const timing = { intervalMs: 1_000, jitterMs: 0, timeoutMs: 1_000, retries: 0 };
  const probes = targets.map(({ kind, address }): ProbePlan => {
    const check = kind === "tcp" ? ({ kind } as const) : usualHttp;
    return plannedProbe(`${kind} ${address}`, check, { ...timing, target: { address, port: 80 } });
  });
  await director.configure({
    ...noDirectorPlan,
    probes,
  });
  return { pid: director.pid, stop: () => director.stop() };
}

async function startKeepalivedCheckers(host: Host): ReturnType<Contender["start"]> {
  const shim = join(host.directory, "no-ipvs.so");
  const source = join(import.meta.dir, "../test/support/no-ipvs.c");
  const { exitCode, stderr } = await runCommand(["gcc", "-shared", "-fPIC", "-O2", "-o", shim, source]);
  if (exitCode !== 0) throw new Error(stderr);
  const check = {
    tcp: "TCP_CHECK { connect_timeout 1 }",
    http: "HTTP_GET { connect_timeout 1\n url { path / \n status_code 200 } }",
  };
  const servers = targets.map(
    ({ kind, address }) => `real_server ${address} 80 {\n weight 1\n ${check[kind]}\n }`,
  );
  const service = ["delay_loop 1", "lb_algo rr", "lb_kind DR", "protocol TCP", ...servers].join("\n");
  const path = join(host.directory, "keepalived.conf");
  await Bun.write(path, `global_defs { }\nvirtual_server 10.77.0.100 80 {\n${service}\n}\n`);
  const files = ["-p", join(host.directory, "keepalived.pid"), "-c", join(host.directory, "checkers.pid")];
  const child = host.spawn(["keepalived", "-n", "-l", "-C", "-f", path, ...files], {
    env: { LD_PRELOAD: shim },
  });
  const read = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
  await waitFor("keepalived's checkers run", () => /^\d+$/.test(read()));
  return { pid: Number(read()), stop: () => stopChild(child) };
}

function haproxyServers(kind: Target["kind"]): string {
  return targets
    .filter((target) => target.kind === kind)
    .map(({ address }, index) => `server s${index} ${address}:80 check inter 1s`)
    .join("\n");
}

async function startHaproxy(host: Host): ReturnType<Contender["start"]> {
  const path = join(host.directory, "haproxy.cfg");
  const text = `global
maxconn 100
nbthread 1
defaults
mode http
timeout connect 1s
timeout client 1s
timeout server 1s
timeout check 1s
frontend any
bind 127.0.0.1:8404
default_backend http
backend tcp
${haproxyServers("tcp")}
backend http
option httpchk GET /
${haproxyServers("http")}
`;
  await Bun.write(path, text);
  const child = host.spawn(["haproxy", "-db", "-f", path]);
  await waitFor("HAProxy listens", async () => (await host.run(["ss", "-Hltn"])).stdout.includes(":8404"));
  return { pid: child.pid, stop: () => stopChild(child) };
}

function stopChild(child: Child): Promise<number> {
  child.kill();
  return child.exited;
}

interface Result {
  readonly checks: number;
  readonly cpuMicroseconds: number;
  /** By how much the time between two checks of one server exceeded a second, at most and for one in a hundred. */
  readonly lateMs: { readonly most: number; readonly one: number };
}

async function measure(contender: Contender): Promise<Result> {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/16" } });
  const web = await lab.host("web", { eth0: { bridge: "lan", address: "10.77.0.21/16" } });
  await web.ip(["route", "add", "local", "10.78.0.0/16", "dev", "lo"]);
  await host.ip(["route", "add", "10.78.0.0/16", "via", "10.77.0.21"]);
  await startNginx(web);
  const { pid, stop } = await contender.start(host);
  await Bun.sleep(warmUpMs);
  const filter = "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst net 10.78.0.0/16";
  const capture = web.spawn(["tcpdump", "-i", "eth0", "-n", "-tt", "-q", "-B", "16384", filter]);
  await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
  const before = processorMs(pid);
  const startedAt = performance.now();
  await Bun.sleep(seconds * 1_000);
  const used = processorMs(pid) - before;
  const tookMs = performance.now() - startedAt;
  await stopChild(capture);
  await stop();
  return readCapture(capture.output(), (used * 1000) / (tookMs / 1000));
}

function readCapture(text: string, cpuPerSecond: number): Result {
  const last = new Map<string, number>();
  const late: number[] = [];
  let count = 0;
  let first = 0;
  let end = 0;
  for (const match of text.matchAll(/^(\d+\.\d+) IP [\d.]+ > ([\d.]+)\.80:/gm)) {
    const at = Number(match[1]) * 1_000;
    const address = match[2] ?? "";
    const before = last.get(address);
    if (before !== undefined) late.push(at - before - 1_000);
    last.set(address, at);
    count += 1;
    first ||= at;
    end = at;
  }
  const sorted = late.toSorted((a, b) => a - b);
  return {
    checks: (count * 1000) / (end - first),
    cpuMicroseconds: cpuPerSecond,
    lateMs: {
      most: sorted.at(-1) ?? Number.NaN,
      one: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    },
  };
}

const costs = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) {
    const { checks, cpuMicroseconds, lateMs } = await measure(contender);
    const perCheck = cpuMicroseconds / checks;
    costs.set(contender.name, [...(costs.get(contender.name) ?? []), perCheck]);
    const figures = [
      `${checks.toFixed(0).padStart(5)} checks/s`,
      `${(cpuMicroseconds / 10_000).toFixed(1).padStart(5)} % of a core`,
      `${perCheck.toFixed(1).padStart(6)} µs a check`,
      `late: ${lateMs.one.toFixed(0)} ms for one in a hundred, ${lateMs.most.toFixed(0)} ms at most`,
    ];
    console.log(`${contender.name.padEnd(12)} ${figures.join("  ")}`);
  }
}
const middle = (name: string): number => costs.get(name)?.toSorted((a, b) => a - b)[1] ?? Number.NaN;
for (const name of ["keepalived", "HAProxy"])
  console.log(`edge-ha / ${name}: ${(middle("edge-ha") / middle(name)).toFixed(2)}`);
