import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { noDirectorPlan } from "../src/config/node-plan.ts";
import type { ProbePlan } from "../src/config/check-plan.ts";
import { directorRuntimeOptions } from "../src/supervisor/child.ts";
import { startDirector } from "../test/support/director-process.ts";
import { runCommand } from "../test/support/lab-command.ts";
import { type Child, type Host, Lab, waitFor } from "../test/support/lab.ts";
import { startNginx } from "../test/support/nginx.ts";
import { plannedProbe, usualHttp } from "../test/support/probe-plans.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { numberOf, readArguments } from "./arguments.ts";

/**
 * What 2,000 TCP and 500 HTTP checks a second cost, and how late they are: edge-ha's director beside keepalived's checkers
 * and HAProxy, in turn, against one nginx behind 2,500 addresses. keepalived gets a stand-in for IPVS, which this kernel
 * may lack: its tables cost it nothing here. A check is late by what the time since the one before it, of the same server,
 * is longer than a second, as the server's host sees them. An argument gives the seconds of each round.
 */

const given = readArguments({ usage: "scripts/bench checks [SECONDS]", words: { seconds: "number" } });
const seconds = numberOf(given, "seconds", 15);
const warmUpMs = 6_000;
const rounds = 3;
const [tcpCount, httpCount] = [2_000, 500];
const barMs = 100;

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
  const director = await startDirector(host, { isAsked: false, env: directorRuntimeOptions });
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
  /** Servers that were not checked twice. */
  readonly seldom: number;
  /** Processor time, in milliseconds for each second. */
  readonly cpuMs: number;
  /** Of each check but the first of a server, in rising order. */
  readonly lateMs: readonly number[];
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
  // Into a file: lines would be written, and read, by those two cores while it is measured.
  const file = join(web.directory, "checks.pcap");
  const filter = "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst net 10.78.0.0/16";
  const how = ["-i", "eth0", "-n", "-s", "96", "-B", "16384", "-Z", "root", "-w", file];
  const capture = web.spawn(["tcpdump", ...how, filter]);
  await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
  const before = processorMs(pid);
  const startedAt = performance.now();
  await Bun.sleep(seconds * 1_000);
  const used = processorMs(pid) - before;
  const tookMs = performance.now() - startedAt;
  capture.kill("SIGINT");
  await capture.exited;
  await stop();
  const dropped = Number(/(\d+) packets? dropped by kernel/.exec(capture.output())?.[1] ?? Number.NaN);
  if (dropped !== 0) throw new Error(`tcpdump missed ${dropped} packets: these figures would mean nothing`);
  const { stdout } = await web.run(["tcpdump", "-r", file, "-n", "-tt", "-S"]);
  return { ...readCapture(stdout), cpuMs: (used * 1_000) / tookMs };
}

function readCapture(text: string): Pick<Result, "checks" | "seldom" | "lateMs"> {
  const last = new Map<string, { readonly at: number; readonly attempt: string }>();
  const again = new Set<string>();
  const late: number[] = [];
  const times: number[] = [];
  const syn = /^(\d+\.\d+) IP [\d.]+\.(\d+) > ([\d.]+)\.80: Flags \[[^\]]*\], (seq \d+)/gm;
  for (const match of text.matchAll(syn)) {
    const [, time, port, address = "", sequence] = match;
    const attempt = `${port} ${sequence}`;
    const at = Number(time) * 1_000;
    const before = last.get(address);
    // The same once more, because nobody answered.
    if (before?.attempt === attempt) continue;
    if (before !== undefined) {
      late.push(Math.max(0, at - before.at - 1_000));
      again.add(address);
    }
    last.set(address, { at, attempt });
    times.push(at);
  }
  const seldom = targets.length - again.size;
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return { checks: (times.length * 1_000) / spanMs, seldom, lateMs: late.toSorted((a, b) => a - b) };
}

function lateness({ lateMs, seldom }: Result): string {
  const at = (share: number): string =>
    (lateMs[Math.min(lateMs.length - 1, Math.floor(lateMs.length * share))] ?? Number.NaN).toFixed(1);
  const tooLate = lateMs.filter((ms) => ms > barMs).length;
  const quantiles = `median ${at(0.5)}, p99 ${at(0.99)}, worst ${at(1)} ms`;
  const unseen = seldom === 0 ? "" : `, and ${seldom} servers were not checked twice`;
  return `late: ${quantiles}, ${tooLate} of ${lateMs.length} by more than ${barMs} ms${unseen}`;
}

function line(name: string, result: Result): string {
  const { checks, cpuMs } = result;
  const cpu = `${(cpuMs / 10).toFixed(1).padStart(5)} % of a core`;
  const perCheck = `${((cpuMs * 1_000) / checks).toFixed(1).padStart(6)} µs a check`;
  return `${name.padEnd(12)} ${checks.toFixed(0).padStart(5)} checks/s  ${cpu}  ${perCheck}  ${lateness(result)}`;
}

/** The round whose costs are in the middle, with the lateness of all rounds. */
function summary(results: readonly Result[]): Result {
  const middle = results.toSorted((a, b) => a.cpuMs / a.checks - b.cpuMs / b.checks)[results.length >> 1];
  const lateMs = results.flatMap((result) => result.lateMs).toSorted((a, b) => a - b);
  const seldom = Math.max(...results.map((result) => result.seldom));
  return { checks: Number.NaN, cpuMs: Number.NaN, ...middle, seldom, lateMs };
}

const load = (): string => loadavg()[0]?.toFixed(1) ?? "unknown";

console.log(`load of the machine before: ${load()}`);
const results = new Map<string, readonly Result[]>();
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) {
    const result = await measure(contender);
    results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
    console.log(line(contender.name, result));
  }
}
console.log(`all rounds, the costs of the one in the middle (load after: ${load()}):`);
const sums = contenders.map(({ name }) => ({ name, sum: summary(results.get(name) ?? []) }));
for (const { name, sum } of sums) console.log(line(name, sum));
const ours = sums.find(({ name }) => name === "edge-ha")?.sum;
if (ours !== undefined) {
  for (const { name, sum } of sums.filter((one) => one.sum !== ours)) {
    const ratio = ours.cpuMs / ours.checks / (sum.cpuMs / sum.checks);
    console.log(`edge-ha / ${name}: ${ratio.toFixed(2)} of the processor time of a check`);
  }
  const isMet = ours.seldom === 0 && ours.lateMs.every((ms) => ms <= barMs);
  console.log(`bar, none late by more than ${barMs} ms: ${isMet ? "met" : "missed"}`);
}
