import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { StreamCalls } from "../../../../src/native/index.ts";
import type { SocketOwner } from "../../../../src/proxy/sockets.ts";
import { GatheredWrites, longestGathered } from "../../../../src/proxy/streams/gathered-writes.ts";
import { headerWords, shortCountWord, writeCountWord } from "../../../../src/proxy/streams/layout.ts";
import { Stream, type StreamHome } from "../../../../src/proxy/streams/stream.ts";

/** Streams on sockets that take what they have room for; what is done to them is written down. */
class Sockets {
  readonly done: string[] = [];
  /** What the socket of each place has room for yet; -1 is lost. */
  readonly room = new Map<number, number>();
  readonly taken = new Map<number, string>();
  /** What the peer had not got when it ended its half. */
  readonly unheard = new Map<number, number>();
  readonly home: StreamHome & { gathers: boolean };
  private readonly lent: { readonly table: Int32Array; readonly writes: GatheredWrites };

  constructor() {
    const calls = {
      writeStream: (...[place, , bytes, offset, length]: Parameters<StreamCalls["writeStream"]>) =>
        this.write(place, bytes.subarray(offset, offset + length)),
      writeStreams: () => this.writeRows(),
      pauseStream: (place: number, _: number, isPaused: boolean) =>
        this.done.push(`${place} ${isPaused ? "paused" : "resumed"}`),
      shutStream: (place: number) => this.done.push(`${place} shut`),
      unheardStream: (place: number) => this.unheard.get(place) ?? 0,
    } as unknown as StreamCalls;
    const table = new Int32Array(headerWords);
    const writes = new GatheredWrites(calls, table);
    this.lent = { table, writes };
    this.home = {
      calls,
      writes,
      owing: new Set(),
      gathers: true,
      forget: ({ place }, isReset) => this.done.push(`${place} ${isReset ? "reset" : "closed"}`),
    };
  }

  stream(place: number, room = Number.POSITIVE_INFINITY): Stream {
    this.room.set(place, room);
    const stream = new Stream(this.home, { place, generation: 1 }, null, null);
    const owner: SocketOwner = {
      received: () => undefined,
      drained: () => this.done.push(`${place} told of room`),
      ended: () => undefined,
      closed: (isReset) => this.done.push(`${place} told of ${isReset ? "a reset" : "its end"}`),
    };
    stream.data = owner;
    return stream;
  }

  /** What the call of a turn does with what is gathered. */
  turn(): void {
    const { writes } = this.lent;
    writes.hand();
    this.writeRows();
    writes.handed();
  }

  private write(place: number, bytes: Uint8Array): number {
    const room = this.room.get(place) ?? 0;
    if (room < 0) return -1;
    const length = Math.min(room, bytes.length);
    this.room.set(place, room - length);
    this.taken.set(place, (this.taken.get(place) ?? "") + Buffer.from(bytes.subarray(0, length)).toString());
    return length;
  }

  /** As native/stream-writes.c: behind what came up short nothing goes out. */
  private writeRows(): void {
    const { table, writes } = this.lent;
    const { memory, rows } = writes;
    const count = table[writeCountWord] ?? 0;
    let short = 0;
    for (let at = 0; at < 4 * count; at += 4) {
      const [place = 0, , from = 0, length = 0] = rows.subarray(at, at + 4);
      const sent = this.write(place, memory.subarray(from, from + length));
      if (sent >= 0 && sent < length) this.room.set(place, 0);
      if (sent < length) short += 1;
      rows[at + 3] = sent;
    }
    table[writeCountWord] = 0;
    table[shortCountWord] = short;
  }
}

function write(stream: Stream, text: string): number {
  return stream.write(Buffer.from(`-${text}`), 1, text.length);
}

describe("a stream", () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test("gathers what is written in a turn, for all of them, and long pieces go out behind it", () => {
    const sockets = new Sockets();
    const [a, b] = [sockets.stream(1), sockets.stream(2)];
    expect([write(a, "one "), write(b, "uno "), write(a, "two ")]).toEqual([4, 4, 4]);
    expect(sockets.taken.size).toBe(0);
    const long = "x".repeat(longestGathered + 1);
    expect(write(b, long)).toBe(long.length);
    expect([sockets.taken.get(1), sockets.taken.get(2)]).toEqual(["one two ", `uno ${long}`]);
  });

  test("takes what was put together in its room as it stands there, between what it copies", () => {
    const sockets = new Sockets();
    const [a, b] = [sockets.stream(1), sockets.stream(2)];
    write(a, "one ");
    const first = a.room();
    expect(first?.start).toBe(4);
    first?.bytes.write("two ", first.start);
    expect(a.write(first?.bytes ?? Buffer.alloc(0), first?.start ?? 0, 4)).toBe(4);
    write(b, "uno ");
    // Something else was added since: the room is somebody else's now, but what stands elsewhere in it is copied.
    expect(b.write(first?.bytes ?? Buffer.alloc(0), 4, 4)).toBe(4);
    sockets.home.writes.send();
    expect([sockets.taken.get(1), sockets.taken.get(2)]).toEqual(["one two ", "uno two "]);
  });

  test("has room for the longest that is gathered, and none outside of a turn, behind what waits or once it is closed", () => {
    const sockets = new Sockets();
    const stream = sockets.stream(1);
    for (let count = 0; count < 20; count++) {
      const room = stream.room();
      expect((room?.bytes.length ?? 0) - (room?.start ?? 0)).toBeGreaterThanOrEqual(longestGathered);
      write(stream, "x".repeat(longestGathered - 7));
    }
    sockets.home.gathers = false;
    expect(stream.room()).toBeNull();
    sockets.home.gathers = true;
    sockets.home.writes.send();
    const full = sockets.stream(2, 1);
    write(full, "12");
    sockets.home.writes.send();
    expect(full.room()).toBeNull();
    stream.terminate();
    expect(stream.room()).toBeNull();
  });

  test("has back what the call of the next turn had no room for, and goes on behind it", () => {
    const sockets = new Sockets();
    const full = sockets.stream(1, 2);
    const other = sockets.stream(2);
    write(full, "1234");
    write(other, "abc");
    sockets.turn();
    expect([sockets.taken.get(1), sockets.taken.get(2)]).toEqual(["12", "abc"]);
    expect(write(full, "5")).toBe(0);
    sockets.turn(); // nothing is gathered, and nothing comes back twice
    sockets.room.set(1, 9);
    full.drained();
    write(full, "5");
    sockets.turn();
    expect(sockets.taken.get(1)).toBe("12345");
  });

  test("writes at once where no turn comes soon", () => {
    const sockets = new Sockets();
    const stream = sockets.stream(1);
    sockets.home.gathers = false;
    write(stream, "now");
    expect(sockets.taken.get(1)).toBe("now");
  });

  test("tells how much of what it took for written has not reached the peer", () => {
    const sockets = new Sockets();
    const [lost, full, ended] = [sockets.stream(1, -1), sockets.stream(2, 3), sockets.stream(3)];
    for (const stream of [lost, full, ended]) write(stream, "12345");
    sockets.unheard.set(3, 4);
    // What was gathered goes out before anybody can say.
    expect([lost.unheard(), full.unheard(), ended.unheard()]).toEqual([5, 2, 4]);
    expect(sockets.taken.get(3)).toBe("12345");
    const late = sockets.stream(4, -1);
    write(late, "last");
    for (const stream of [late, full]) stream.close(false, true);
    expect([late.unheard(), full.unheard()]).toEqual([4, 2]);
  });

  test("keeps what there was no room for, in its order, and takes nothing until that is written", () => {
    const sockets = new Sockets();
    const [full, other] = [sockets.stream(1, 5), sockets.stream(2)];
    for (const text of ["one ", "two ", "three "]) write(full, text);
    write(other, "all");
    sockets.home.writes.send();
    expect([...sockets.home.owing]).toEqual([full]);
    expect(write(full, "four")).toBe(0);
    sockets.room.set(1, 4);
    full.drained();
    expect(sockets.done).toEqual([]);
    sockets.room.set(1, 100);
    full.drained();
    expect(sockets.done).toEqual(["1 told of room"]);
    expect([sockets.taken.get(1), sockets.taken.get(2)]).toEqual(["one two three ", "all"]);
    expect(sockets.home.owing.size).toBe(0);
    expect(write(full, "four")).toBe(4);
  });

  test("that is ended is closed once the last bytes are out; its owner hears of the end at once", () => {
    const sockets = new Sockets();
    const stream = sockets.stream(1, 2);
    write(stream, "last");
    stream.end();
    expect(sockets.done).toEqual(["1 paused", "1 told of its end"]);
    expect(write(stream, "more")).toBe(-1);
    stream.end();
    stream.terminate();
    sockets.room.set(1, 100);
    stream.drained();
    expect(sockets.done.slice(2)).toEqual(["1 closed"]);
    expect(sockets.taken.get(1)).toBe("last");
    expect(sockets.home.owing.size).toBe(0);
    jest.advanceTimersByTime(60_000);
    expect(sockets.done.length).toBe(3);
  });

  test("that is ended is reset where the peer does not take the last bytes in half a minute", () => {
    const sockets = new Sockets();
    const stream = sockets.stream(1, 2);
    write(stream, "last");
    stream.end();
    jest.advanceTimersByTime(29_999);
    expect(sockets.done.length).toBe(2);
    jest.advanceTimersByTime(1);
    expect(sockets.done.slice(2)).toEqual(["1 reset"]);
    expect(sockets.home.owing.size).toBe(0);
  });

  test("ends its half behind the last bytes", () => {
    const sockets = new Sockets();
    const [roomy, full] = [sockets.stream(1), sockets.stream(2, 2)];
    write(roomy, "all");
    roomy.shutdown();
    expect([sockets.taken.get(1), sockets.done.pop()]).toEqual(["all", "1 shut"]);
    write(full, "last");
    full.shutdown();
    expect(sockets.done).toEqual([]);
    sockets.room.set(2, 100);
    full.drained();
    expect([sockets.taken.get(2), ...sockets.done]).toEqual(["last", "2 shut", "2 told of room"]);
  });

  test("that is lost tells nobody of room, and owes nothing once it is closed", () => {
    const sockets = new Sockets();
    const [lost, other, late] = [sockets.stream(1, -1), sockets.stream(2), sockets.stream(3, 1)];
    write(lost, "nothing");
    write(other, "all");
    write(late, "part");
    sockets.home.writes.send();
    expect([sockets.taken.get(2), [...sockets.home.owing]]).toEqual(["all", [late]]);
    late.close(false, true);
    expect([sockets.home.owing.size, sockets.done]).toEqual([0, ["3 closed", "3 told of a reset"]]);
  });
});
