import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../test/support/certificates.ts";
import { processorMs } from "../test/support/processor-time.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../test/support/proxy-driver.ts";

/**
 * L7 under TLS beside nginx, one worker each, in turn within each round: CPU time of the proxy process for each request, and the
 * time that 99 of 100 requests stay below. HTTP/1.1 by wrk, HTTP/2 by h2load. Take the ratios, not the absolute figures.
 * usage: bun scripts/bench-tls.ts [--rounds N] [--seconds N]
 */

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Figure {
  readonly microseconds: number;
  readonly p99Ms: number;
}

interface Work {
  readonly name: string;
  /** The most it may cost, as a multiple of nginx. */
  readonly bar: number;
  readonly command: (url: string) => readonly string[];
  readonly path: string;
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const rounds = option("rounds", 3);
const seconds = option("seconds", 4);
const folder = mkdtempSync(join(tmpdir(), "edge-ha-bench-tls-"));
const started: Bun.Subprocess[] = [];

const wrk = (url: string, connections: number, ...more: readonly string[]): readonly string[] => [
  "wrk",
  "-t1",
  `-c${connections}`,
  `-d${seconds}s`,
  "--latency",
  ...more,
  url,
];

const works: readonly Work[] = [
  { name: "h1, 64 connections", bar: 1, path: "/small", command: (url) => wrk(url, 64) },
  {
    name: "h2, 16 connections × 8 streams",
    bar: 1.5,
    path: "/small",
    command: (url) => ["h2load", "-c16", "-m8", `-D${seconds}`, url],
  },
  {
    name: "a new connection for each request",
    bar: 1.1,
    path: "/small",
    command: (url) => wrk(url, 16, "-H", "Connection: close"),
  },
  { name: "64 KiB down, h1", bar: 1, path: "/medium", command: (url) => wrk(url, 64) },
];

function nginx(name: string, http: string): Bun.Subprocess {
  const path = join(folder, `${name}.conf`);
  writeFileSync(
    path,
    `daemon off; master_process off; worker_processes 1; error_log /dev/null; pid ${folder}/${name}.pid;
     events { worker_connections 4096; }
     http { access_log off; keepalive_requests 100000000; http2_max_requests 100000000; client_body_temp_path ${folder}/b;
       proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
       ${http} }`,
  );
  const subprocess = Bun.spawn(["nginx", "-c", path], { stdio: ["ignore", "ignore", "ignore"] });
  started.push(subprocess);
  return subprocess;
}

/** Has a tool load a contender and reads its figures; wrk says "99%", h2load gives the greatest only. */
async function measure(contender: Contender, work: Work): Promise<Figure> {
  const before = processorMs(contender.pid);
  const command = work.command(`https://127.0.0.1:${contender.port}${work.path}`);
  const tool = Bun.spawn([...command], { stdout: "pipe", stderr: "inherit" });
  const output = await new Response(tool.stdout).text();
  const used = processorMs(contender.pid) - before;
  const requests = Number((/(\d+) requests in/.exec(output) ?? /(\d+) succeeded/.exec(output))?.[1]);
  const errors = /Non-2xx.*|Socket errors.*/.exec(output)?.[0];
  if (errors !== undefined) console.log(`  ${contender.name}: ${errors}`);
  const late = /99%\s+([\d.]+)(us|ms|s)/.exec(output);
  const unit = late?.[2] === "us" ? 1e-3 : late?.[2] === "s" ? 1e3 : 1;
  return { microseconds: (used / requests) * 1e3, p99Ms: Number(late?.[1] ?? Number.NaN) * unit };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.trunc(values.length / 2)] ?? Number.NaN;
}

async function compare(work: Work, contenders: readonly Contender[]): Promise<boolean> {
  for (const contender of contenders) await measure(contender, work); // compilers warm up
  const figures = contenders.map((): Figure[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, contender] of contenders.entries())
      figures[index]?.push(await measure(contender, work));
  console.log(`\n${work.name}, median of ${rounds} rounds of ${seconds} s`);
  const costs = figures.map((all) => median(all.map(({ microseconds }) => microseconds)));
  for (const [index, { name }] of contenders.entries()) {
    const all = figures[index] ?? [];
    const each = all.map(({ microseconds }) => microseconds.toFixed(1)).join(" ");
    const p99 = median(all.map(({ p99Ms }) => p99Ms));
    const late = Number.isNaN(p99) ? "" : `  p99 ${p99.toFixed(1)} ms`;
    const cost = costs[index] ?? Number.NaN;
    console.log(
      `  ${name.padEnd(8)} ${cost.toFixed(1).padStart(7)} µs/request  ratio ${(cost / (costs[0] ?? 1)).toFixed(2)}${late}  (${each})`,
    );
  }
  const ratio = (costs[1] ?? Number.NaN) / (costs[0] ?? Number.NaN);
  console.log(`  bar ${work.bar.toFixed(1)}: ${ratio <= work.bar ? "met" : "NOT met"}`);
  return ratio <= work.bar;
}

async function run(): Promise<boolean> {
  await makeCertificates(folder, ["shop.example"]);
  const pair = { certificate: join(folder, "shop.example.pem"), key: join(folder, "shop.example.key") };
  writeFileSync(join(folder, "small"), "x".repeat(110));
  writeFileSync(join(folder, "medium"), "x".repeat(65_536));
  const origin = freePort();
  const peerPort = freePort();
  const port = freePort();
  nginx("origin", `server { listen 127.0.0.1:${origin}; root ${folder}; }`);
  const peer = nginx(
    "peer",
    `upstream apps { server 127.0.0.1:${origin}; keepalive 256; keepalive_requests 100000000; }
     server { listen 127.0.0.1:${peerPort} ssl http2; ssl_certificate ${pair.certificate}; ssl_certificate_key ${pair.key};
       location / { proxy_pass http://apps; proxy_http_version 1.1; proxy_set_header Connection "";
         proxy_buffer_size 4k; proxy_buffers 4 32k; proxy_busy_buffers_size 64k; proxy_set_header Host $host;
         proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
         proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host; } }`,
  );
  const tls = { certificates: [pair], minVersion: "1.2", ciphers: null, clients: null } as const;
  const plan = simplePlan(port, [upstreamServer(origin)], {
    listeners: [listener(port, { tls, http2: true })],
  });
  await using driver = await ProxyDriver.start(plan);
  await Bun.sleep(500);
  const contenders = [
    { name: "nginx", port: peerPort, pid: peer.pid },
    { name: "edge-ha", port, pid: driver.pid },
  ];
  const results: boolean[] = [];
  for (const work of works) results.push(await compare(work, contenders));
  return results.every(Boolean);
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  for (const subprocess of started) subprocess.kill("SIGTERM");
  await Promise.all(started.map(({ exited }) => exited));
  rmSync(folder, { recursive: true, force: true });
}
