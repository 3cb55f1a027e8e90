import type { Log } from "../../src/base/log.ts";

/** A log that keeps what is said, as `level: message`. */
export function recordingLog(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say =
    (level: string) =>
    (message: string): void => {
      said.push(`${level}: ${message}`);
    };
  const log: Log = {
    debug: say("debug"),
    info: say("info"),
    notice: say("notice"),
    warning: say("warning"),
    error: say("error"),
  };
  return { log, said };
}
