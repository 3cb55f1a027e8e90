import { readFile } from "node:fs/promises";
import { isatty } from "node:tty";
import { errorText, hasCode } from "../base/system-error.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { readConfig } from "../config/read.ts";
import { hmacSha256 } from "../vrrp/hmac-sha256.ts";
import { CaptureError, CaptureReader } from "../watch/capture-reader.ts";
import type { Expectations } from "../watch/file-rules.ts";
import { LiveError } from "../watch/live-frames.ts";
import { LineWriter } from "./line-writer.ts";
import { watchLive } from "./watch-live.ts";
import { mistakeIn, type WatchOptions } from "./watch-options.ts";
import { Watcher } from "./watcher.ts";

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
      // What is right on this host need not be in a file from elsewhere, or on its other interfaces.
      interfaces: options.interface === null ? null : [options.interface],
      hasColour: isatty(1) && (process.env["NO_COLOR"] ?? "") === "",
    });
  } catch (error) {
    return refuse(`${options.write ?? ""} cannot be written: ${errorText(error)}`, 1);
  }
  try {
    if (options.read === null && expected !== null) say(`comparing with ${expected.file}`);
    if (options.read === null) await watchLive(options, watcher);
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
  if (read !== null) return `${read} cannot be read: ${errorText(error)}`;
  const hint = hasCode(error, "EPERM", "EACCES") ? "; listening takes root, or CAP_NET_RAW" : "";
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

const stopSignals = ["SIGINT", "SIGTERM"] as const;

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
