import type { z } from "zod";
import { command, duration, filePath, orElse, orNull, table, text } from "./fields.ts";

/** `[notify]`: who is told of changes of state. */
export interface NotifyEntry {
  readonly script: readonly string[] | null;
  readonly fifo: string | null;
  readonly user: string | null;
  readonly timeout: number;
}

/** `[notify]`. */
export const notifySchema: z.ZodType<NotifyEntry> = table(
  {
    script: orNull(command('script = "/usr/local/bin/notify"')),
    fifo: orNull(filePath('fifo = "/run/edge-ha/notify"')),
    user: orNull(text('user = "nobody"', 32)),
    timeout: orElse(duration(100, 3_600_000, 'timeout = "30s"'), 30_000),
  },
  "[notify]",
);
