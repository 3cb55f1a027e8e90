import { join } from "node:path";
import { asElsewhere } from "./lab-command.ts";
import type { Child, Host } from "./lab.ts";
import { waitFor } from "./lab.ts";

/** What a client saw that asked an echo server every millisecond; times count from the probe's start. */
export interface UdpReport {
  /** Time of day in milliseconds of Unix time. */
  readonly startedAtMs: number;
  readonly sent: number;
  readonly received: number;
  /** Pauses of more than 3 ms between answers. */
  readonly silences: readonly { readonly atMs: number; readonly lengthMs: number }[];
  /** Which host answered from when on, and after how long a silence. */
  readonly holders: readonly {
    readonly atMs: number;
    readonly name: string;
    readonly afterSilenceMs: number;
  }[];
  readonly sinceLastAnswerMs: number;
}

/** What a client saw that asked a web server at a steady pace over a new connection each time. */
export interface HttpReport {
  readonly requests: number;
  /** Number of failures by reason. */
  readonly failures: Readonly<Record<string, number>>;
  readonly failureTimesMs: readonly number[];
  /** Longest time between two good answers. */
  readonly longestSilenceMs: number;
  /** Longest time that a good answer took, connecting included. */
  readonly slowestAnswerMs: number;
  /** Number of good answers by the value of their X-Served-By field. */
  readonly answersBy: Readonly<Record<string, number>>;
}

/** A probe at work. */
export interface Probe<Report> {
  /** Ends the probe and gives what it saw. */
  stop(): Promise<Report>;
}

/** Starts an echo server that names the host it runs on. */
export async function startEcho(host: Host, port = 7_007): Promise<Child> {
  return startProgram(host, "probe-echo.ts", [String(port), host.name]);
}

/** Starts asking the echo servers behind `address` every millisecond. */
export async function startUdpProbe(host: Host, address: string, port = 7_007): Promise<Probe<UdpReport>> {
  return reporting(await startProgram(host, "probe-udp.ts", [address, String(port)]));
}

/** What an HTTP probe asks, and how often. */
export interface HttpProbeOptions {
  readonly address: string;
  readonly port?: number;
  readonly hostName?: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/** Starts asking for `/` over a new connection at a steady pace. */
export async function startHttpProbe(host: Host, o: HttpProbeOptions): Promise<Probe<HttpReport>> {
  const { address, port = 80, hostName = address, intervalMs = 5, timeoutMs = 1_000 } = o;
  const numbers = [intervalMs, timeoutMs].map(String);
  return reporting(await startProgram(host, "probe-http.ts", [address, String(port), hostName, ...numbers]));
}

/** Gives the longest silence around a change of the answering host: elsewhere a pause is the machine's own. */
export function switchSilenceMs(report: UdpReport): number {
  return Math.max(...report.holders.slice(1).map(({ afterSilenceMs }) => afterSilenceMs));
}

/** Gives the number of failures in a report. */
export function failureCount(report: HttpReport): number {
  return Object.values(report.failures).reduce((sum, count) => sum + count, 0);
}

async function startProgram(host: Host, file: string, args: readonly string[]): Promise<Child> {
  const child = host.spawn(asElsewhere([process.execPath, join(import.meta.dir, file), ...args]));
  await waitFor(`${file} on ${host.name} is ready`, () => child.output().startsWith("ready\n"));
  return child;
}

function reporting<Report>(child: Child): Probe<Report> {
  return {
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      const lines = child.output().trim().split("\n");
      return JSON.parse(lines.at(-1) ?? "") as Report;
    },
  };
}
