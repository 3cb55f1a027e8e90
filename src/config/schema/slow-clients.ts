import type { z } from "zod";
import { duration, orElse, size, table } from "./fields.ts";

/** `slow_clients` of a listener: bytes a second, 0 for any; milliseconds. */
export interface SlowClientsEntry {
  readonly upload: number;
  readonly download: number;
  readonly window: number;
  readonly stall: number;
}

const usual: SlowClientsEntry = { upload: 0, download: 0, window: 30_000, stall: 60_000 };

/** `slow_clients` of a listener; the usual stall is nginx's `send_timeout` and `client_body_timeout`. */
export const slowClientsSchema: z.ZodType<SlowClientsEntry> = orElse(
  table(
    {
      upload: orElse(size(0, 'upload = "500b"'), usual.upload),
      download: orElse(size(0, 'download = "500b"'), usual.download),
      window: orElse(duration(100, 3_600_000, 'window = "30s"'), usual.window),
      stall: orElse(duration(100, 3_600_000, 'stall = "60s"'), usual.stall),
    },
    'slow_clients = { upload = "500b", download = "500b", window = "30s", stall = "60s" }',
  ),
  usual,
);
