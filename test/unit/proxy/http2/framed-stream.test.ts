import { describe, expect, test } from "bun:test";
import { FramedStream, type StreamCarrier } from "../../../../src/proxy/http2/framed-stream.ts";
import type { SendingStream } from "../../../../src/proxy/http2/data-sender.ts";

class Stream extends FramedStream {
  drains = 0;

  say(text: string, isLast = false, trailers = ""): boolean {
    const bytes = Buffer.from(text);
    return this.send({ bytes, start: 0, end: bytes.length }, isLast, trailers);
  }

  override takeData(): void {
    // Not of interest here, as the three below.
  }

  override takeFields(): void {
    // As above.
  }

  override resetByPeer(): void {
    // As above.
  }

  override violated(): void {
    // As above.
  }

  protected override drained(): void {
    this.drains += 1;
  }
}

/** Takes as many bytes as it is told. */
class Carrier implements StreamCarrier {
  isBlocked = false;
  room = Number.POSITIVE_INFINITY;
  readonly sent: string[] = [];

  sendData(
    stream: SendingStream,
    { bytes, end, start }: { bytes: Buffer; start: number; end: number },
    isLast: boolean,
  ): number {
    const to = Math.min(end, start + this.room);
    this.room -= to - start;
    stream.isEndHeld = isLast && to < end;
    this.sent.push(`${bytes.toString("latin1", start, to)}${isLast && to === end ? "!" : ""}`);
    return to;
  }

  sendTrailers(_stream: SendingStream, lines: string): void {
    this.sent.push(`[${lines}]`);
  }

  consumed(): void {
    // Nothing comes here.
  }
}

function attached(): { readonly stream: Stream; readonly carrier: Carrier } {
  const stream = new Stream();
  const carrier = new Carrier();
  stream.attach(carrier, 1);
  return { stream, carrier };
}

describe("a stream of HTTP/2", () => {
  test("keeps in order what the window does not let through, and tells once when all of it is sent", () => {
    const { carrier, stream } = attached();
    carrier.room = 3;
    expect(stream.say("first")).toBe(false);
    expect(stream.say("second", true)).toBe(false);
    carrier.room = 4;
    stream.pump();
    expect([stream.isBlocked, stream.drains]).toEqual([true, 0]);
    carrier.room = 100;
    stream.pump();
    stream.pump();
    expect(carrier.sent.join("")).toBe("firstsecond!");
    expect([stream.isBlocked, stream.drains]).toEqual([false, 1]);
  });

  test("tells, too, when all was sent at once but the socket wanted no more behind it", () => {
    const { carrier, stream } = attached();
    carrier.isBlocked = true;
    expect(stream.say("whole")).toBe(false);
    stream.pump();
    expect(stream.drains).toBe(0);
    carrier.isBlocked = false;
    stream.pump();
    expect(stream.drains).toBe(1);
  });

  test("tells nobody of a window that nobody waits for", () => {
    const { stream } = attached();
    expect(stream.say("whole")).toBe(true);
    stream.pump();
    expect(stream.drains).toBe(0);
  });

  test("sends trailers behind the whole body, which they end", () => {
    const { carrier, stream } = attached();
    carrier.room = 2;
    stream.say("body", true, "a: b\r\n");
    expect(carrier.sent).toEqual(["bo"]);
    carrier.room = 9;
    stream.pump();
    expect(carrier.sent).toEqual(["bo", "dy", "[a: b\r\n]"]);
  });
});
