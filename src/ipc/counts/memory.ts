import { errorText } from "../../base/system-error.ts";
import { headerWords, memoryFormat, formatAt, seatOffset, seatWords } from "./layout.ts";

/** Memory that processes count in together. */
export interface CountMemory {
  readonly header: Int32Array;
  /** Gives the words of a seat's table. */
  readonly seat: (seat: number) => Int32Array;
}

/** Gives memory of this process alone, as long as it has no other. */
export function ownMemory(): CountMemory {
  return { header: new Int32Array(headerWords), seat: () => new Int32Array(seatWords) };
}

/** Maps memory that is shared by its descriptor; throws if it cannot, or if it is of another form. */
export function mapMemory(descriptor: number): CountMemory {
  const header = mapped(descriptor, 0, headerWords);
  if (header[formatAt] !== memoryFormat) throw new Error("memory for counts is of another form");
  return { header, seat: (seat) => mapped(descriptor, seatOffset(seat), seatWords) };
}

/** Maps a part of it; whoever made it may not have written to it yet. */
export function mapped(descriptor: number, offset: number, words: number): Int32Array {
  try {
    const bytes = Bun.mmap(`/proc/self/fd/${descriptor}`, { shared: true, offset, size: 4 * words });
    return new Int32Array(bytes.buffer, bytes.byteOffset, words);
  } catch (error) {
    throw new Error(`memory for counts cannot be mapped: ${errorText(error)}`, { cause: error });
  }
}
