/** How much a log line matters; `notice` is for what an operator should see on a quiet day. */
export type LogLevel = "debug" | "info" | "notice" | "warning" | "error";

/** A logger of one part of one process. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  notice(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}

/** Where finished lines go, one call a line, without the line feed. */
export type LogSink = (line: string) => void;

const severity: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, notice: 5, warning: 4, error: 3 };

let isGuarded = false;

/** Whoever read the log may be gone (EPIPE) or its disk full: no reason to give up an address or a request. */
function guardStandardError(): void {
  if (!isGuarded) process.stderr.on("error", () => undefined);
  isGuarded = true;
}

const writeToStandardError: LogSink = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * Makes a logger whose lines name `part`. Under journald (JOURNAL_STREAM is set) a line starts with the
 * syslog severity; elsewhere with the time of day. Debug lines appear only with EDGE_HA_DEBUG set.
 */
export function createLog(part: string, sink: LogSink = writeToStandardError): Log {
  if (sink === writeToStandardError) guardStandardError();
  const isJournal = process.env["JOURNAL_STREAM"] !== undefined;
  const showsDebug = process.env["EDGE_HA_DEBUG"] !== undefined;
  const at =
    (level: LogLevel) =>
    (message: string): void => {
      if (level === "debug" && !showsDebug) return;
      const start = isJournal ? `<${severity[level]}>` : `${new Date().toISOString()} ${level} `;
      for (const line of message.split("\n")) sink(`${start}${part}: ${line}`);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    notice: at("notice"),
    warning: at("warning"),
    error: at("error"),
  };
}

/** A logger that keeps silent, for tests. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
};
