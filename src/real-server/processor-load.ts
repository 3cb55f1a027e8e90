/** PURE: the processor's idle time as a share of the weight. */

/** Ticks since the boot, summed over all processors. */
export interface ProcessorTimes {
  readonly idle: number;
  readonly total: number;
}

/** What is known of the load. */
export interface LoadReading {
  readonly times: ProcessorTimes;
  /** Share of idle time, smoothed, 0 to 1. */
  readonly idle: number;
}

/** Samples are a second apart: two thirds of a change are seen after ten. */
const smoothing = 0.1;
/** A busy server keeps a share: with none it would have no connection any more, and be idle at once. */
const least = 10;
/** Smaller steps would have the directors change their table all the time. */
const grain = 5;

/** Reads the first line of /proc/stat; null if it is something else. */
export function readProcessorTimes(text: string): ProcessorTimes | null {
  const words = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number) ?? [];
  // user nice system idle iowait irq softirq steal; guest time is part of user already.
  const counted = words.slice(0, 8);
  if (counted.length < 4 || counted.some((value) => !Number.isFinite(value))) return null;
  const [idle = 0, waiting = 0] = counted.slice(3);
  return { idle: idle + waiting, total: counted.reduce((sum, value) => sum + value, 0) };
}

/** Takes a sample in; the first one knows nothing yet and counts as idle. */
export function sampled(before: LoadReading | null, times: ProcessorTimes): LoadReading {
  if (before === null) return { times, idle: 1 };
  const total = times.total - before.times.total;
  // Counters that stand still or go back (another processor was switched off) tell nothing.
  if (total <= 0) return { times, idle: before.idle };
  const idle = Math.min(1, Math.max(0, (times.idle - before.times.idle) / total));
  return { times, idle: before.idle + smoothing * (idle - before.idle) };
}

/** Gives the share of the weight in per cent, in steps. */
export function percentOf({ idle }: LoadReading): number {
  return Math.min(100, Math.max(least, Math.round((idle * 100) / grain) * grain));
}
