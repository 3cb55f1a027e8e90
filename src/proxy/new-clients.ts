import type { ClientNote } from "../ipc/client-book.ts";

/** Others hear of a client this late: one message for many clients costs little more than for one. */
const gatherMs = 10;

/** Gathers notes on clients for one message to the other processes. */
export class NewClients {
  private readonly tell: (clients: readonly ClientNote[]) => void;
  private notes: ClientNote[] = [];

  constructor(tell: (clients: readonly ClientNote[]) => void) {
    this.tell = tell;
  }

  add(note: ClientNote): void {
    if (this.notes.push(note) > 1) return;
    setTimeout(() => {
      const { notes } = this;
      this.notes = [];
      this.tell(notes);
    }, gatherMs);
  }
}
