import { readFile } from "node:fs/promises";
import { isatty } from "node:tty";
import { errorText, hasCode } from "../base/system-error.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { readConfig } from "../config/read.ts";
import { hmacSha256 } from "../vrrp/hmac-sha256.ts";
import { CaptureError, CaptureReader } from "../watch/capture-reader.ts";
import type { Expectations } from "../watch/file-rules.ts";
import { LiveError, LiveFrames } from "../watch/live-frames.ts";
import { LineWriter } from "./line-writer.ts";
import { mistakeIn, type WatchOptions } from "./watch-options.ts";
import { Watcher } from "./watcher.ts";

/** How often time is let pass without a packet, and new interfaces are looked for. */
const tickMs = 100;
const ticksPerRefresh = 20;
/** A tick this late comes after a pause of the whole process, and what has arrived meanwhile is to be read first. */
const lateMs = 3 * tickMs;

/** Watches; 0 nothing wrong was seen, 1 it failed, 2 the command line or the configuration is wrong, 3 findings. */
export async function runWatch(options: WatchOptions): Promise<number> {
  const mistake = mistakeIn(options);
  if (mistake !== null) return refuse(mistake, 2);
  const expected = await loadExpectations(options);
  if (expected === "refused") return 2;
  const writer = new LineWriter(1);
  let watcher: Watcher;
  try {
    watcher = new Watcher({
      ...options,
      expected,
      writer,
      hasColour: isatty(1) && (process.env["NO_COLOR"] ?? "") === "",
    });
  } catch (error) {
    return refuse(`${options.write ?? ""} cannot be written: ${errorText(error)}`, 1);
  }
  try {
    if (options.read === null) await watchLive(options, watcher, expected);
    else await watchFile(options.read, watcher);
  } catch (error) {
    // Without a packet there is nothing to sum up, and "nothing wrong was seen" would be no truth.
    if (watcher.hasSeen) watcher.finish();
    return refuse(explained(error, options), 1);
  }
  return watcher.finish();
}

function say(text: string): void {
  process.stderr.write(`edge-ha watch: ${text}\n`);
}

function refuse(text: string, status: number): number {
  say(text);
  return status;
}

function explained(error: unknown, { read }: WatchOptions): string {
  if (error instanceof CaptureError)
    return `${read === "-" ? "standard input" : (read ?? "")}: ${error.message}`;
  if (error instanceof LiveError) return error.message;
  const hint =
    hasCode(error, "EPERM", "EACCES") && read === null ? "; listening takes root, or CAP_NET_RAW" : "";
  return `${errorText(error)}${hint}`;
}

/** The default file may be missing, unreadable or wrong; one that is named may not. */
async function loadExpectations(options: WatchOptions): Promise<Expectations | null | "refused"> {
  const { config: path, isConfigGiven } = options;
  let text: Uint8Array;
  try {
    text = await readFile(path);
  } catch (error) {
    if (!isConfigGiven) return null;
    refuse(`${path} cannot be read: ${errorText(error)}`, 2);
    return "refused";
  }
  const { config, diagnostics } = readConfig(text, path);
  if (config !== null) return { file: path, config, hash: hmacSha256 };
  if (!isConfigGiven) {
    say(`${path} has mistakes (edge-ha check says which): nothing is compared with it`);
    return null;
  }
  for (const diagnostic of diagnostics) process.stderr.write(`${formatDiagnostic(path, diagnostic)}\n`);
  return "refused";
}

/** Listens until a signal, the end of the time, enough packets, or nobody reads on. */
function watchLive(options: WatchOptions, watcher: Watcher, expected: Expectations | null): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setInterval> | null = null;
    let limit: ReturnType<typeof setTimeout> | null = null;
    let live: LiveFrames | null = null;
    const end = (): void => {
      if (timer !== null) clearInterval(timer);
      if (limit !== null) clearTimeout(limit);
      for (const signal of stopSignals) process.off(signal, end);
      if (live !== null) {
        watcher.advance(live.nowMs());
        watcher.dropped = live.dropped();
        live.close();
      }
      live = null;
      resolve();
    };
    const fail = (error: unknown): void => {
      reject(error instanceof Error ? error : new Error(errorText(error)));
      end();
    };
    const orFail = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        fail(error);
      }
    };
    orFail(() => {
      live = LiveFrames.open({
        interface: options.interface,
        react: (frame) =>
          orFail(() => {
            watcher.take(frame);
            if (watcher.hasNewAddresses) live?.listenFor(watcher.takeAddresses());
            if (watcher.isDone) end();
          }),
        tell: say,
        fail,
      });
      const against = expected === null ? "" : `, and comparing with ${expected.file}`;
      say(`watching ${live.names.join(", ")}${against}; Ctrl-C ends`);
    });
    if (live === null) return;
    for (const signal of stopSignals) process.on(signal, end);
    timer = startTicking((count) =>
      orFail(() => {
        if (count % ticksPerRefresh === 0) live?.refresh();
        tick(watcher, live, end);
      }),
    );
    if (options.durationMs !== null) limit = setTimeout(end, options.durationMs);
  });
}

const stopSignals = ["SIGINT", "SIGTERM"] as const;

function tick(watcher: Watcher, live: LiveFrames | null, end: () => void): void {
  if (live === null) return;
  watcher.advance(live.nowMs());
  watcher.tellDrops(live.dropped(), live.nowMs());
  if (watcher.isDone) end();
}

function startTicking(act: (count: number) => void): ReturnType<typeof setInterval> {
  let lastMs = performance.now();
  let count = 0;
  return setInterval(() => {
    const isLate = performance.now() - lastMs > lateMs;
    lastMs = performance.now();
    count += 1;
    if (!isLate) act(count);
  }, tickMs);
}

/** Reads a file, or standard input, to its end, or until a signal. */
async function watchFile(path: string, watcher: Watcher): Promise<void> {
  const reader = new CaptureReader();
  const stream = path === "-" ? Bun.stdin.stream() : Bun.file(path).stream();
  const source = stream.getReader();
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    void source.cancel();
  };
  for (const signal of stopSignals) process.on(signal, stop);
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) break;
      for (const frame of reader.push(value)) {
        watcher.take(frame);
        if (watcher.isDone) return void source.cancel();
      }
    }
  } finally {
    for (const signal of stopSignals) process.off(signal, stop);
  }
  if (!isStopped && reader.end() === "cut") {
    say("the file ends in the middle of a frame");
  }
}
