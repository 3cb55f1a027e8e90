import type { HttpReport } from "./probe.ts";

/**
 * Asks a web server over a new connection every few milliseconds, whether earlier ones were answered or not:
 * `bun probe-http.ts ADDRESS PORT HOST INTERVAL_MS TIMEOUT_MS`. On SIGTERM it waits for what is open, prints an
 * `HttpReport` as JSON and ends.
 */
const [address, port, host, intervalMs, timeoutMs] = [
  process.argv[2] ?? "",
  Number(process.argv[3]),
  process.argv[4] ?? "",
  Number(process.argv[5]),
  Number(process.argv[6]),
];
const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

const startedAt = performance.now();
let requests = 0;
let open = 0;
let lastAnswerAt = startedAt;
let longestSilenceMs = 0;
let slowestAnswerMs = 0;
const failures: Record<string, number> = {};
const failureTimesMs: number[] = [];
const answersBy: Record<string, number> = {};

function noteAnswer(text: string, askedAt: number): void {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? "no status line";
  if (status !== "200") {
    noteFailure(text === "" ? "closed without an answer" : status);
    return;
  }
  const now = performance.now();
  longestSilenceMs = Math.max(longestSilenceMs, now - lastAnswerAt);
  slowestAnswerMs = Math.max(slowestAnswerMs, now - askedAt);
  lastAnswerAt = now;
  const server = /\r\nx-served-by: *([^\r]+)/i.exec(text)?.[1] ?? "";
  answersBy[server] = (answersBy[server] ?? 0) + 1;
}

function noteFailure(reason: string): void {
  failures[reason] = (failures[reason] ?? 0) + 1;
  failureTimesMs.push(performance.now() - startedAt);
}

function ask(): void {
  requests += 1;
  open += 1;
  const askedAt = performance.now();
  let text = "";
  let isOver = false;
  const finish = (note: () => void): void => {
    if (isOver) return;
    isOver = true;
    open -= 1;
    clearTimeout(timer);
    note();
  };
  const connection = Bun.connect({
    hostname: address,
    port,
    socket: {
      open: (socket) => void socket.write(request),
      data: (_socket, data) => {
        text += data.toString("latin1");
      },
      close: (_socket, error) =>
        finish(() => (error ? noteFailure(error.message) : noteAnswer(text, askedAt))),
      error: (_socket, error) => finish(() => noteFailure(error.message)),
      connectError: (_socket, error) => finish(() => noteFailure(error.message)),
    },
  });
  const timer = setTimeout(() => {
    finish(() => noteFailure("timeout"));
    connection.then((socket) => socket.terminate()).catch(() => undefined);
  }, timeoutMs);
  connection.catch((error: unknown) => finish(() => noteFailure(String(error))));
}

const timer = setInterval(ask, intervalMs);
console.log("ready");

process.on("SIGTERM", () => {
  clearInterval(timer);
  const waiting = setInterval(() => {
    if (open > 0) return;
    clearInterval(waiting);
    longestSilenceMs = Math.max(longestSilenceMs, performance.now() - lastAnswerAt);
    const report: HttpReport = {
      requests,
      failures,
      failureTimesMs,
      longestSilenceMs,
      slowestAnswerMs,
      answersBy,
    };
    console.log(JSON.stringify(report));
    process.exit(0);
  }, 5);
});
