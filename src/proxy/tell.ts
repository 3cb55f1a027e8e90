import type { ClientNote } from "../ipc/client-book.ts";
import type { DepartureReply } from "../ipc/departure.ts";
import type { DiskNote } from "../ipc/disk-note.ts";
import type { SpentNote } from "../ipc/messages.ts";
import type { OpenNews } from "../ipc/open-news.ts";
import type { ServerEjection } from "../ipc/server-ejection.ts";
import type { SlotNews } from "../ipc/slot-news.ts";

/** How a process tells the supervisor something. */
export interface Tell {
  readonly departure: (reply: DepartureReply) => void;
  readonly clients: (clients: readonly ClientNote[]) => void;
  readonly suspects: (probes: readonly string[]) => void;
  readonly spent: (notes: readonly SpentNote[]) => void;
  readonly open: (news: OpenNews) => void;
  readonly slots: (news: SlotNews) => void;
  readonly disk: (notes: readonly DiskNote[]) => void;
  readonly changed: (urls: readonly string[]) => void;
  readonly ejections: (ejections: readonly ServerEjection[]) => void;
}
