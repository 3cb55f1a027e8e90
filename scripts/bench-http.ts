import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processorMs } from "../test/support/processor-time.ts";
import {
  fileLog,
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../test/support/proxy-driver.ts";

/**
 * L7 beside nginx and HAProxy: CPU time of the proxy process for each request (fields 14 and 15 of /proc/PID/stat over
 * wrk's count), one worker each, in turn within each round. Take the ratios, not the absolute figures.
 * usage: bun scripts/bench-http.ts [--rounds N] [--seconds N]
 */

const bar = 1.3;
const connections = 64;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Figure {
  readonly microseconds: number;
  readonly requestsPerSecond: number;
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const rounds = option("rounds", 3);
const seconds = option("seconds", 4);
const folder = mkdtempSync(join(tmpdir(), "edge-ha-bench-"));
const started: Bun.Subprocess[] = [];

function start(command: readonly string[]): Bun.Subprocess {
  const subprocess = Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] });
  started.push(subprocess);
  return subprocess;
}

function nginxConfig(http: string): string {
  return `daemon off; master_process off; worker_processes 1; error_log /dev/null; pid ${folder}/${crypto.randomUUID()}.pid;
    events { worker_connections 4096; }
    http { client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; keepalive_requests 100000000;
      log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
      ${http} }`;
}

async function startNginx(name: string, port: number, http: string): Promise<Contender> {
  const path = join(folder, `${name.replaceAll(/\W/g, "-")}.conf`);
  writeFileSync(path, nginxConfig(http));
  const subprocess = start(["nginx", "-c", path]);
  await listening(port);
  return { name, port, pid: subprocess.pid };
}

/** What published set-ups give their proxies, and what suits large bodies best. */
const usualBuffers =
  "proxy_buffer_size 4k; proxy_buffers 4 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;";
const largeBuffers =
  "proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 256k; proxy_max_temp_file_size 0;";

async function startNginxProxy(
  name: string,
  origin: number,
  accessLog: string,
  buffers = usualBuffers,
): Promise<Contender> {
  const port = freePort();
  return startNginx(
    name,
    port,
    `access_log ${accessLog};
     upstream apps { server 127.0.0.1:${origin}; keepalive 256; keepalive_requests 100000000; }
     server { listen 127.0.0.1:${port}; location / { proxy_pass http://apps; proxy_http_version 1.1;
       ${buffers} proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
       proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
       proxy_set_header X-Forwarded-Host $host; } }`,
  );
}

async function startHaproxy(origin: number): Promise<Contender> {
  const port = freePort();
  const path = join(folder, "haproxy.cfg");
  writeFileSync(
    path,
    `global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n` +
      `frontend f\n  bind 127.0.0.1:${port}\n  default_backend b\nbackend b\n  option forwardfor\n  server s 127.0.0.1:${origin}\n`,
  );
  const subprocess = start(["haproxy", "-db", "-f", path]);
  await listening(port);
  return { name: "HAProxy", port, pid: subprocess.pid };
}

/** The library that the engine replaces, for information. */
async function startLibrary(origin: number): Promise<Contender> {
  const port = freePort();
  const script = join(import.meta.dir, "bench-library-proxy.ts");
  const subprocess = start([process.execPath, script, String(port), String(origin)]);
  await listening(port);
  return { name: "http-proxy-3", port, pid: subprocess.pid };
}

async function startOurs(
  name: string,
  origin: number,
  logPath: string | null,
): Promise<[Contender, ProxyDriver]> {
  const port = freePort();
  const accessLog = logPath === null ? null : fileLog(logPath);
  const sites = [site(["*"], [route("/", "apps")], { accessLog })];
  const driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin)], { sites }));
  return [{ name, port, pid: driver.pid }, driver];
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })).end();
      return;
    } catch {
      await Bun.sleep(50);
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}

/** Has wrk ask for a path and gives what it printed. */
async function load(contender: Contender, path: string, durationS: number): Promise<string> {
  const url = `http://127.0.0.1:${contender.port}${path}`;
  const wrk = Bun.spawn(["wrk", "-t1", `-c${connections}`, `-d${durationS}s`, url], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return new Response(wrk.stdout).text();
}

async function measure(contender: Contender, path: string): Promise<Figure> {
  const before = processorMs(contender.pid);
  const output = await load(contender, path, seconds);
  const used = processorMs(contender.pid) - before;
  const requests = Number(/(\d+) requests in/.exec(output)?.[1]);
  const errors = /Non-2xx.*|Socket errors.*/.exec(output)?.[0];
  if (errors !== undefined) console.log(`  ${contender.name}: ${errors}`);
  return { microseconds: (used / requests) * 1e3, requestsPerSecond: requests / seconds };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.trunc(values.length / 2)] ?? Number.NaN;
}

/** Measures contenders in turn; the first is the peer the ratios are taken over. */
async function compare(work: string, contenders: readonly Contender[], path: string): Promise<boolean> {
  // A just-in-time compiler has to have seen the work before it is at its speed.
  for (const contender of contenders) await load(contender, path, 2);
  const figures = new Map<string, Figure[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) figures.get(contender.name)?.push(await measure(contender, path));
  }
  console.log(`\n${work}, ${connections} connections, median of ${rounds} rounds of ${seconds} s`);
  const base = median(figures.get(contenders[0]?.name ?? "")?.map(({ microseconds }) => microseconds) ?? []);
  let isMet = true;
  for (const { name, pid } of contenders) {
    const own = figures.get(name) ?? [];
    const cpu = median(own.map(({ microseconds }) => microseconds));
    const rate = median(own.map(({ requestsPerSecond }) => requestsPerSecond));
    const all = own.map(({ microseconds }) => microseconds.toFixed(1)).join(" ");
    console.log(
      `  ${name.padEnd(22)} ${cpu.toFixed(1).padStart(7)} µs/request  ratio ${(cpu / base).toFixed(2)}  ` +
        `${rate.toFixed(0).padStart(6)}/s  ${residentMegabytes(pid).toFixed(0).padStart(4)} MB  (${all})`,
    );
    if (name.startsWith("edge-ha") && cpu / base > bar) isMet = false;
  }
  return isMet;
}

async function run(): Promise<boolean> {
  const root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(root, "small"), `${"x".repeat(109)}\n`);
  writeFileSync(join(root, "large"), Buffer.alloc(1024 * 1024, "x"));
  const origin = freePort();
  await startNginx(
    "origin",
    origin,
    `access_log off; sendfile on; server { listen 127.0.0.1:${origin}; root ${root}; }`,
  );
  const nginx = await startNginxProxy("nginx", origin, "off");
  const nginxLogging = await startNginxProxy(
    "nginx, access log",
    origin,
    `${folder}/nginx.log main buffer=64k flush=1s`,
  );
  const nginxLarge = await startNginxProxy("nginx, large buffers", origin, "off", largeBuffers);
  const [ours, driver] = await startOurs("edge-ha", origin, null);
  const [oursLogging, loggingDriver] = await startOurs("edge-ha, access log", origin, `${folder}/ours.log`);
  await using _first = driver;
  await using _second = loggingDriver;
  const others = existsSync("/usr/sbin/haproxy") ? [await startHaproxy(origin)] : [];
  const library = await startLibrary(origin);
  const results = [
    await compare("110 B answer, keep-alive", [nginx, ours, ...others, library], "/small"),
    await compare("110 B answer, keep-alive, access log on", [nginxLogging, oursLogging], "/small"),
    await compare("1 MiB answer, keep-alive", [nginx, ours, nginxLarge, ...others], "/large"),
  ];
  return results.every(Boolean);
}

try {
  const isMet = await run();
  console.log(`\nbar: at most ${bar.toFixed(1)} times nginx: ${isMet ? "met" : "NOT met"}`);
  process.exitCode = isMet ? 0 : 1;
} finally {
  for (const subprocess of started) subprocess.kill("SIGTERM");
  await Promise.all(started.map(({ exited }) => exited));
  rmSync(folder, { recursive: true, force: true });
}
