import type { SlotBook } from "../../src/proxy/slots/slot-book.ts";

/** Nobody reads what a process writes down of its slots, and it finds nothing. */
export const noSlotBook: SlotBook = {
  hold: () => undefined,
  want: () => undefined,
  read: () => ({ lent: 0, keep: Number.POSITIVE_INFINITY }),
  take: () => undefined,
  forget: () => undefined,
};
