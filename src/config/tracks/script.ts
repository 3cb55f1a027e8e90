import { errorAt, warningAt, type Finding } from "../finding.ts";
import { formatDuration } from "../units.ts";
import type { TrackElement, TrackKind } from "./kind.ts";

const defaultIntervalMs = 1000;

/** `script = "/usr/local/bin/check-uplink"`: a program whose exit status is the verdict. */
export const scriptKind: TrackKind = {
  subject: "script",
  keys: ["interval", "timeout", "jitter", "rise", "fall", "user", "reverse"],
  calledAfter: (entry) => entry.script?.[0]?.split("/").at(-1) ?? "",
  read(entry, effect) {
    const intervalMs = entry.interval ?? defaultIntervalMs;
    const rhythm = { intervalMs, timeoutMs: entry.timeout ?? intervalMs };
    const turns = { rise: entry.rise ?? 1, fall: entry.fall ?? 1 };
    const { user } = entry;
    const jitterMs = entry.jitter ?? 0;
    return { kind: "script", ...effect, command: entry.script ?? [], ...rhythm, jitterMs, ...turns, user };
  },
  rules: (track) => [...jitterFindings(track), ...timingFindings(track)],
};

/** Chance would rule the rhythm. */
function jitterFindings({ value, path }: TrackElement): readonly Finding[] {
  const interval = value.interval ?? defaultIntervalMs;
  if (value.jitter === null || value.jitter <= interval) return [];
  const what = `${formatDuration(value.jitter)} is longer than the interval of ${formatDuration(interval)}`;
  return [errorAt([...path, "jitter"], what, `write jitter = "${formatDuration(interval)}" or less`)];
}

function timingFindings({ value, path }: TrackElement): readonly Finding[] {
  const interval = value.interval ?? defaultIntervalMs;
  if (value.timeout === null || value.timeout <= interval) return [];
  const what = `${formatDuration(value.timeout)} is longer than the interval of ${formatDuration(interval)}: runs would be left out`;
  return [warningAt([...path, "timeout"], what, `write timeout = "${formatDuration(interval)}" or less`)];
}
