import { z } from "zod";
import { command, duration, filePath, flag, orElse, orNull, table, text } from "./fields.ts";

/** `[notify]`: who is told of changes of state. */
export interface NotifyEntry {
  readonly script: readonly string[] | null;
  readonly fifo: string | null;
  readonly user: string | null;
  readonly timeout: number;
  /** Whether services, upstreams and their servers are told of too. */
  readonly services: boolean;
}

/** `[notify]`. */
export const notifySchema: z.ZodType<NotifyEntry> = table(
  {
    script: orNull(command('script = "/usr/local/bin/notify"')),
    fifo: orNull(filePath('fifo = "/run/edge-ha/notify"')),
    user: orNull(text('user = "nobody"', 32)),
    timeout: orElse(duration(100, 3_600_000, 'timeout = "30s"'), 30_000),
    services: orElse(flag("services = true"), false),
  },
  "[notify]",
);

/** `notify` of a virtual router or a sync group: programs that are told of its changes alone. */
export interface OwnNotifyEntry {
  readonly script: readonly string[] | null;
  readonly master: readonly string[] | null;
  readonly backup: readonly string[] | null;
  readonly fault: readonly string[] | null;
  readonly stop: readonly string[] | null;
  readonly user: string | null;
  readonly timeout: number;
}

/** The keys of `notify` that name a program. */
export const ownNotifyScripts = ["script", "master", "backup", "fault", "stop"] as const;

const ownNotifyTable: z.ZodType<OwnNotifyEntry> = table(
  {
    script: orNull(command('script = "/usr/local/bin/notify"')),
    master: orNull(command('master = "/usr/local/bin/became-master"')),
    backup: orNull(command('backup = "/usr/local/bin/became-backup"')),
    fault: orNull(command('fault = "/usr/local/bin/became-fault"')),
    stop: orNull(command('stop = "/usr/local/bin/stopped"')),
    user: orNull(text('user = "nobody"', 32)),
    timeout: orElse(duration(100, 3_600_000, 'timeout = "30s"'), 30_000),
  },
  'notify = { script = "/usr/local/bin/notify" }',
);

/** `notify` in a `[[vip]]`, `[[vrrp]]` or `[[sync_group]]`; a program alone is its `script`. */
export const ownNotifySchema: z.ZodType<OwnNotifyEntry> = z.preprocess(
  (value) => (typeof value === "string" || Array.isArray(value) ? { script: value } : value),
  ownNotifyTable,
);
