import { expect, test } from "bun:test";
import { type QueuedRequest, WaitingLine } from "../../../src/proxy/waiting-line.ts";

class Request implements QueuedRequest {
  hasGone = false;
  refusedWith = 0;
  asked = 0;
  private readonly mayGo: () => boolean;

  constructor(mayGo: () => boolean) {
    this.mayGo = mayGo;
  }

  proceed(): boolean {
    this.asked += 1;
    this.hasGone = this.mayGo();
    return this.hasGone;
  }

  refuse(status: number): void {
    this.refusedWith = status;
  }
}

/** Makes a line of at most so many. */
function lineOf(most: number, hasRoom: () => boolean): WaitingLine {
  return new WaitingLine({
    hasRoom,
    mayJoin: (length) => length < most,
    mostStay: () => most,
    ask: () => undefined,
  });
}

test("those who wait go in their order, as there is room, and who has left takes none", async () => {
  let room = 0;
  const line = lineOf(4, () => room > 0);
  const requests = [1, 2, 3, 4, 5].map(() => new Request(() => room-- > 0));
  expect(requests.map((request) => line.join(request))).toEqual([true, true, true, true, false]);
  await Promise.resolve();
  const [first, second] = requests;
  if (first === undefined || second === undefined) throw new Error("nobody");
  line.leave(second);
  room = 2;
  line.roomMade();
  expect(first.hasGone).toBe(false); // not before whoever made the room is done
  await Promise.resolve();
  expect(requests.map(({ hasGone }) => hasGone)).toEqual([true, false, true, false, false]);
  expect(line.length).toBe(1);
  room = 1;
  line.sweep();
  expect(line.length).toBe(0);
});

test("one that waits for a certain server holds up nobody else", () => {
  const line = lineOf(2, () => true);
  const [pinned, free] = [new Request(() => false), new Request(() => true)];
  line.join(pinned);
  line.join(free);
  line.sweep();
  expect([pinned.hasGone, free.hasGone, line.length]).toEqual([false, true, 1]);
});

test("nobody is asked once there is no room for anybody", () => {
  let room = 2;
  const line = lineOf(1_000, () => room > 0);
  const requests = Array.from({ length: 1_000 }, () => new Request(() => room-- > 0));
  for (const request of requests) line.join(request);
  line.sweep();
  expect(requests.filter(({ hasGone }) => hasGone).length).toBe(2);
  expect(requests.filter(({ asked }) => asked > 0).length).toBe(2);
  line.sweep();
  expect(line.length).toBe(998);
});

test("who was let in while it was not known if there is a place is turned away once it is known that there is none", () => {
  let most = Number.POSITIVE_INFINITY;
  let room = 1;
  const line = new WaitingLine({
    hasRoom: () => room > 0,
    mayJoin: () => true,
    mostStay: () => most,
    ask: () => undefined,
  });
  const requests = [1, 2, 3, 4].map(() => new Request(() => room-- > 0));
  for (const request of requests) line.join(request);
  line.sweep();
  expect([line.length, requests.map(({ refusedWith }) => refusedWith)]).toEqual([3, [0, 0, 0, 0]]);
  most = 2;
  line.sweep();
  expect([line.length, requests.map(({ refusedWith }) => refusedWith)]).toEqual([2, [0, 0, 0, 503]]);
});
