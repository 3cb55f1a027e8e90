const hexDigits = "0123456789ABCDEF";
const noBytes = new Uint8Array(0);

/** Bytes that one octet of a text takes at most. */
export const mostEscaped = 4;

/**
 * Writes a log line octet by octet: for texts as short as these that takes less than a call of the runtime, which makes one text of
 * those that were put together first. The room must be there. PURE.
 */
export class LineBytes {
  /** Where the next octet goes. */
  at = 0;
  private bytes: Uint8Array = noBytes;

  /** Starts with a line. */
  begin(bytes: Uint8Array, at: number): void {
    this.bytes = bytes;
    this.at = at;
  }

  /** Writes a text as it is. */
  text(text: string): void {
    const { at, bytes } = this;
    const { length } = text;
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
    this.at = at + length;
  }

  /** Writes a part of a Latin-1 text as `escapeLogged` has it, `-` where it is empty. */
  escaped(text: string, start: number, end: number): void {
    const { bytes } = this;
    let { at } = this;
    if (start === end) bytes[at++] = 0x2d;
    for (let index = start; index < end; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c) {
        bytes[at++] = code;
        continue;
      }
      bytes[at++] = 0x5c;
      bytes[at++] = 0x78;
      bytes[at++] = hexDigits.charCodeAt((code >> 4) & 0x0f);
      bytes[at++] = hexDigits.charCodeAt(code & 0x0f);
    }
    this.at = at;
  }

  /** Writes a whole number that is not negative. */
  number(value: number): void {
    if (value > 0x3fffffff) {
      this.text(String(value));
      return;
    }
    const { at, bytes } = this;
    let end = at + 1;
    for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) end++;
    let rest = value;
    for (let index = end - 1; index >= at; index--) {
      bytes[index] = 0x30 + (rest % 10);
      rest = Math.trunc(rest / 10);
    }
    this.at = end;
  }
}
