import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processorMs } from "../../test/support/processor-time.ts";
import type { Contender } from "./contender.ts";

/** What one round has found. */
export interface Figure {
  /** Processor time of the proxy for each request. */
  readonly microseconds: number;
  /** 99 of 100 requests took no longer. */
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Bytes that came for each request, heads included; NaN where the tool does not tell. */
  readonly bytesEach: number;
}

/** What is asked of a proxy. */
export interface Load {
  readonly tool: "wrk" | "h2load";
  readonly connections: number;
  /** Requests at a time over each connection, with h2load. */
  readonly streams?: number;
  readonly path: string;
  readonly isSecure?: boolean;
  /** A new connection for each request. */
  readonly isNew?: boolean;
  /** Value of Accept-Encoding. */
  readonly accepts?: string;
  /** Bytes sent with POST. */
  readonly upload?: number;
  /** What the client's OpenSSL is told, in the words of its configuration. */
  readonly openssl?: string;
}

/** Loads a proxy for so many seconds, and tells what it took. */
export async function measure(
  contender: Contender,
  load: Load,
  seconds: number,
  folder: string,
): Promise<Figure> {
  const own = mkdtempSync(join(folder, "load-"));
  const before = processorMs(contender.pid);
  const tool = Bun.spawn([...command(contender.port, load, seconds, own)], {
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, ...environment(load, own) },
  });
  const output = await new Response(tool.stdout).text();
  const used = processorMs(contender.pid) - before;
  const requests = Number((/(\d+) requests in/.exec(output) ?? /(\d+) succeeded/.exec(output))?.[1]);
  const errors = /Non-2xx.*|Socket errors.*|[1-9]\d* failed.*/.exec(output)?.[0];
  if (errors !== undefined) console.log(`  ${contender.name}: ${errors}`);
  const p99Ms = load.tool === "wrk" ? p99OfWrk(output) : p99OfH2load(join(own, "requests"));
  rmSync(own, { recursive: true });
  const bytesEach = bytesOfWrk(output) / requests;
  return { microseconds: (used / requests) * 1e3, p99Ms, perSecond: requests / seconds, bytesEach };
}

function command(port: number, load: Load, seconds: number, folder: string): readonly string[] {
  const url = `${load.isSecure === true ? "https" : "http"}://127.0.0.1:${port}${load.path}`;
  if (load.tool === "h2load") {
    const streams = String(load.streams ?? 1);
    const log = `--log-file=${join(folder, "requests")}`;
    return ["h2load", `-c${load.connections}`, "-m", streams, `-D${seconds}`, log, url];
  }
  const words = ["wrk", "-t1", `-c${load.connections}`, `-d${seconds}s`, "--latency"];
  if (load.isNew === true) words.push("-H", "Connection: close");
  if (load.accepts !== undefined) words.push("-H", `Accept-Encoding: ${load.accepts}`);
  if (load.upload !== undefined) {
    const script = join(folder, "upload.lua");
    writeFileSync(script, `wrk.method = "POST"\nwrk.body = string.rep("x", ${load.upload})\n`);
    words.push("-s", script);
  }
  return [...words, url];
}

function environment({ openssl }: Load, folder: string): Readonly<Record<string, string>> {
  if (openssl === undefined) return {};
  const path = join(folder, "openssl.cnf");
  writeFileSync(path, `openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n${openssl}\n`);
  return { OPENSSL_CONF: path };
}

function bytesOfWrk(output: string): number {
  const read = /([\d.]+)(B|KB|MB|GB) read/.exec(output);
  return Number(read?.[1]) * 1024 ** ["B", "KB", "MB", "GB"].indexOf(read?.[2] ?? "");
}

function p99OfWrk(output: string): number {
  const late = /99%\s+([\d.]+)(us|ms|s|m)/.exec(output);
  const unit = { us: 1e-3, ms: 1, s: 1e3, m: 60e3 }[late?.[2] ?? ""] ?? Number.NaN;
  return Number(late?.[1]) * unit;
}

/** Each line of h2load's log is a request: when it began, its status, and how many microseconds it took. */
function p99OfH2load(path: string): number {
  const lines = readFileSync(path, "latin1").trimEnd().split("\n");
  const took = Float64Array.from(lines, (line) => Number(line.split("\t")[2])).toSorted();
  return (took[Math.trunc(took.length * 0.99)] ?? Number.NaN) / 1e3;
}
