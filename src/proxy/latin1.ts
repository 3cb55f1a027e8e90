/** Buffer methods of the runtime that its types leave out; `toString` and `write` only wrap them. */
interface Latin1Buffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

/** Gives the bytes from `start` to `end` as text, one character an octet. */
export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Latin1Buffer).latin1Slice(start, end);
}

/** Writes text at `offset`, one octet a character; the room must be there. */
export function writeLatin1(bytes: Buffer, text: string, offset: number): void {
  (bytes as Latin1Buffer).latin1Write(text, offset, text.length);
}
