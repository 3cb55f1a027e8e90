import { expect, test } from "bun:test";
import { noOwner, type Wire } from "../../../src/proxy/sockets.ts";
import type { Sweep } from "../../../src/proxy/sweep.ts";
import { SocketEnd } from "../../../src/proxy/tunnel-end.ts";
import { Tunnel } from "../../../src/proxy/tunnel.ts";

interface FakeWire {
  readonly wire: Wire;
  /** What was done to it. */
  readonly done: string[];
  reset(): void;
}

/** A socket that tells its owner at once that it is closed, as real ones do. */
function fakeWire(): FakeWire {
  const done: string[] = [];
  let isOpen = true;
  const close = (how: string, isReset: boolean): void => {
    if (!isOpen) return;
    isOpen = false;
    if (how !== "") done.push(how);
    wire.data.closed(isReset);
  };
  const wire = {
    data: noOwner,
    shutdown: () => void (isOpen && done.push("shutdown")),
    terminate: () => close("terminate", false),
    end: () => close("end", false),
  } as unknown as Wire;
  return { wire, done, reset: () => close("", true) };
}

function tunnelOf(): {
  readonly near: FakeWire;
  readonly far: FakeWire;
  readonly tunnel: Tunnel;
  closed: number;
} {
  const [near, far] = [fakeWire(), fakeWire()];
  const sweep = { add: () => undefined, remove: () => undefined, after: () => 0 } as unknown as Sweep;
  const ends = { near: new SocketEnd(near.wire), far: new SocketEnd(far.wire) };
  const made = { near, far, closed: 0 };
  const tunnel = new Tunnel({ ...ends, sweep, idleMs: 1000, onClosed: () => void (made.closed += 1) });
  return Object.assign(made, { tunnel });
}

test("both sides of a tunnel that is cut see a reset, and neither an end in order before it", () => {
  const { far, near, ...made } = tunnelOf();
  made.tunnel.cut();
  expect({ near: near.done, far: far.done }).toEqual({ near: ["terminate"], far: ["terminate"] });
});

test("a reset of one side is seen as one on the other", () => {
  for (const side of ["near", "far"] as const) {
    const made = tunnelOf();
    made[side].reset();
    expect(made[side === "near" ? "far" : "near"].done).toEqual(["terminate"]);
    expect(made.closed).toBe(1);
  }
});

test("a tunnel of which both halves have ended is closed in order", () => {
  const made = tunnelOf();
  made.near.wire.data.ended();
  expect([made.near.done, made.far.done, made.closed]).toEqual([[], ["shutdown"], 0]);
  made.far.wire.data.ended();
  expect([made.near.done, made.far.done]).toEqual([
    ["shutdown", "end"],
    ["shutdown", "end"],
  ]);
  expect(made.closed).toBe(1);
});
