/** How `edge-ha watch` was called. */
export interface WatchOptions {
  /** Null with `--all` and `--read`. */
  readonly interface: string | null;
  readonly all: boolean;
  /** A capture file, `-` for standard input, or null to listen. */
  readonly read: string | null;
  /** Where to put the frames that were looked at, or null. */
  readonly write: string | null;
  /** Null is all. */
  readonly vrids: readonly number[] | null;
  readonly count: number | null;
  readonly durationMs: number | null;
  readonly config: string;
  /** Whether `config` was named, and is no default. */
  readonly isConfigGiven: boolean;
  readonly json: boolean;
  /** No lines for packets. */
  readonly quiet: boolean;
}

/** Says what does not fit together in a command line; null is nothing. */
export function mistakeIn(options: WatchOptions): string | null {
  const { all, read, durationMs, vrids, count } = options;
  const sources = [options.interface !== null, all, read !== null].filter(Boolean).length;
  if (sources === 0) return "name an interface, as in `edge-ha watch eth0`, or say --all, or --read FILE";
  if (sources > 1) return "name an interface, or say --all, or --read FILE, only one of them";
  if (options.write !== null && options.write === read)
    return "--write would empty the file that --read reads";
  if (read !== null && durationMs !== null) return "a file is read to its end: leave --duration out";
  if (durationMs !== null && !(durationMs > 0)) return 'write --duration with its unit, as in "30s" or "5m"';
  if (count !== null && !(Number.isInteger(count) && count > 0)) return "write --count as a number from 1 on";
  if (vrids !== null && !vrids.every(isVrid)) return "write --vrid as a number from 1 to 255";
  return null;
}

function isVrid(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 255;
}
