import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { blockBytes, named, type StreamRig } from "./stream-rig.ts";

const notPermitted = 1;
const brokenPipe = 32;
const connectionReset = 104;
const openFiles = 7;
const bytes = Buffer.from("late");
const names = Buffer.from("host\n");

/** What goes wrong before streams are open: nothing of it stays behind. */
export function exerciseFailedOpening({ refusal }: StreamRig): void {
  const before = readdirSync("/proc/self/fd").length;
  assert.equal(refusal("openStreams", 1, -1, names).name, "TypeError");
  assert.equal(refusal("openStreams", () => undefined, 1_000_000, names).code, "EBADF");
  assert.equal(refusal("openStreams", () => undefined, "x", names).name, "TypeError");
  assert.equal(refusal("openStreams", () => undefined, -1, "host").name, "TypeError");
  for (const unfit of ["host", "\n", "Host\n", "ho st\n", `${"x".repeat(33)}\n`, "x\n".repeat(101)])
    assert.equal(refusal("openStreams", () => undefined, -1, Buffer.from(unfit)).name, "RangeError");
  assert.equal(readdirSync("/proc/self/fd").length, before);
}

/** What peers and the system do to streams. */
export function exerciseStreamFaults(rig: StreamRig, address: Uint8Array): void {
  exerciseToldOnce(rig, address);
  exerciseUnconnected(rig, address);
  exerciseResets(rig, address);
  exerciseUnheard(rig, address);
  exerciseAcknowledged(rig, address);
  exerciseOldNews(rig, address);
  exerciseFailedWrites(rig, address);
  exerciseLostWriter(rig, address);
  exerciseNoDescriptors(rig, address);
  exerciseBrokenListener(rig);
  exerciseBlockingListener(rig);
}

/** The end of a stream is told once, also if nobody closes it, and asking for more of it changes nothing. */
function exerciseToldOnce(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  const { far, near } = rig.pair(address);
  call("closeStream", ...near, true);
  assert.deepEqual(rig.news(1), [["closed", connectionReset]]);
  assert.deepEqual(idle(rig), []);
  for (const isPaused of [true, false]) call("pauseStream", ...far, isPaused);
  assert.equal(call("writeStream", ...far, bytes, 0, 4), -1);
  assert.deepEqual(idle(rig), []);
  call("closeStream", ...far, false);

  const { address: nowhere, name } = rig.listening();
  call("closeStream", ...name, false);
  const third = named(call("connectStream", nowhere));
  assert.deepEqual(rig.news(1), [["refused", 111]]);
  assert.deepEqual(idle(rig), []);
  rig.close(third);
}

/** What a peer had not got when it ended its half in order is known; of one that has cut the connection nothing is. */
function exerciseUnheard(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  for (const [isReset, isShut, unheard] of [
    [false, false, 4],
    [false, true, 0],
    [true, false, 0],
  ] as const) {
    const { far, near } = rig.pair(address);
    call("writeStream", ...near, bytes, 0, 4);
    assert.equal(rig.rows(1)[0]?.bytes, "late");
    assert.deepEqual([call("isQuietStream", ...near), call("unheardStream", ...near)], [true, 0]);
    call("writeStream", ...far, bytes, 0, 4);
    assert.equal(call("isQuietStream", ...near), false);
    rig.rows(1);
    call("closeStream", ...far, isReset);
    assert.equal(call("isQuietStream", ...near), false);
    const taken = call("writeStream", ...near, bytes, 0, 4);
    assert.deepEqual([taken, call("unheardStream", ...near)], [isReset ? -1 : 4, 0]);
    if (isShut) call("shutStream", ...near);
    assert.equal(rig.turn()[0]?.news, isReset ? "closed" : "end");
    assert.equal(call("unheardStream", ...near), unheard);
    rig.close(near);
  }
  // It had got all.
  const { far, near } = rig.pair(address);
  call("writeStream", ...near, bytes, 0, 4);
  rig.rows(1);
  call("closeStream", ...far, false);
  assert.deepEqual(rig.news(1), [["end", 0]]);
  assert.equal(call("unheardStream", ...near), 0);
  rig.close(near);
}

/** What the peer's system has got is counted, also while the peer reads nothing, and of any socket. */
function exerciseAcknowledged(rig: StreamRig, address: Uint8Array): void {
  const { call, refusal } = rig;
  const { far, near } = rig.pair(address);
  const before = call("acknowledgedStream", ...near) as number;
  call("pauseStream", ...far, true);
  call("writeStream", ...near, bytes, 0, 4);
  while (call("acknowledgedStream", ...near) !== before + 4);
  rig.close(near, far);
  const other = openSync("/dev/null", "r");
  assert.equal(call("acknowledgedSocket", other), -1);
  closeSync(other);
  assert.equal(refusal("acknowledgedSocket", "x").name, "TypeError");
}

/** A listener and what is being connected can be named and closed, but no more; what is given up is never told of. */
function exerciseUnconnected(rig: StreamRig, address: Uint8Array): void {
  const { call, refusal } = rig;
  const { name } = rig.listening();
  const connecting = named(call("connectStream", address));
  for (const one of [name, connecting]) {
    assert.equal(refusal("writeStream", ...one, bytes, 0, 4).code, "ENOTCONN");
    assert.equal(refusal("pauseStream", ...one, true).code, "ENOTCONN");
    for (const ask of ["shutStream", "isQuietStream", "unheardStream", "acknowledgedStream"])
      assert.equal(refusal(ask, ...one).code, "ENOTCONN");
    const rows = Int32Array.of(...one, 0, 4);
    rig.lend(rows, bytes);
    assert.deepEqual([rig.write(1), rows[3]], [1, -1]);
    assert.equal(refusal("nameStream", ...one, 1).name, "TypeError");
  }
  const before = readdirSync("/proc/self/fd").length;
  rig.close(connecting);
  assert.equal(readdirSync("/proc/self/fd").length, before - 1);
  const accepted = rig.rows(2);
  assert.deepEqual(
    accepted.map(({ news }) => news),
    ["accepted", "closed"],
  );
  rig.close(name, ...accepted.slice(0, 1).map((row) => row.name));
}

/** What came before a reset is read first: at once, or when a server's stream that was paused goes on. */
function exerciseResets(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  for (const isPaused of [false, true]) {
    const { far, near } = rig.pair(address);
    call("pauseStream", ...near, isPaused);
    call("writeStream", ...far, bytes, 0, 4);
    rig.close(far);
    if (isPaused) {
      assert.deepEqual(idle(rig), []);
      // Whoever writes hears of it, and what came is still there.
      assert.equal(call("writeStream", ...near, bytes, 0, 4), -1);
      assert.deepEqual(idle(rig), []);
      call("pauseStream", ...near, false);
    }
    assert.deepEqual(rig.news(2), [
      ["data", 4],
      ["closed", connectionReset],
    ]);
    rig.close(near);
  }
  // A client that has gone wants nothing any more.
  const { far, near } = rig.pair(address);
  call("pauseStream", ...far, true);
  call("writeStream", ...near, bytes, 0, 4);
  rig.close(near);
  assert.deepEqual(rig.news(1), [["closed", connectionReset]]);
  rig.close(far);
}

/** The end of a stream was told by the set, there was no room for news before it, and now somebody reads from it again. */
function exerciseOldNews(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  const first = rig.pair(address);
  const { far, near } = rig.pair(address);
  call("pauseStream", ...near, true);
  // The set forgets who had news before, and names them in the order of what is new.
  assert.deepEqual(idle(rig), []);
  call("writeStream", ...first.near, bytes, 0, 4);
  call("writeStream", ...far, bytes, 0, 4);
  rig.close(far);
  rig.makeRoom();
  rig.table.set([blockBytes, blockBytes, blockBytes, blockBytes]);
  assert.equal(call("turn", 200), 2);
  assert.equal(rig.table[8], 0);
  call("pauseStream", ...near, false);
  assert.deepEqual(
    rig.rows(3).map(({ length, name, news }) => [name, news, length]),
    [
      [first.far, "data", 4],
      [near, "data", 4],
      [near, "closed", connectionReset],
    ],
  );
  rig.close(near, first.near, first.far);
}

/** A stream that is paused while both halves end is told of when it goes on; if a write fails meanwhile, then. */
function exerciseFailedWrites(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  for (const writes of [false, true]) {
    const { far, near } = rig.pair(address);
    call("pauseStream", ...near, true);
    call("shutStream", ...near);
    call("writeStream", ...far, bytes, 0, 4);
    assert.deepEqual(rig.news(1), [["end", 0]]);
    call("closeStream", ...far, false);
    assert.deepEqual(idle(rig), []);
    if (writes) {
      assert.equal(call("writeStream", ...near, bytes, 0, 4), -1);
      assert.deepEqual(idle(rig), []);
    }
    call("pauseStream", ...near, false);
    const news = rig.news(writes ? 2 : 3);
    assert.deepEqual(news[0], ["data", 4]);
    assert.deepEqual(
      news.slice(1).map(([what]) => what),
      writes ? ["closed"] : ["end", "closed"],
    );
    rig.close(near);
  }
}

/** One that waited for nothing but to go on is told of at once when a write fails. */
function exerciseLostWriter(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  const { far, near } = rig.pair(address);
  call("pauseStream", ...near, true);
  call("shutStream", ...near);
  assert.deepEqual(rig.news(1), [["end", 0]]);
  call("closeStream", ...far, false);
  assert.deepEqual(idle(rig), []);
  assert.equal(call("writeStream", ...near, bytes, 0, 4), -1);
  assert.deepEqual(rig.news(1), [["closed", brokenPipe]]);
  rig.close(near);
}

/** Without descriptors a listener is silent until it is asked again, and who waited then is accepted. */
function exerciseNoDescriptors(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  const [, soft, hard] =
    /^Max open files +(\d+) +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const near = named(call("connectStream", address));
  call("setResourceLimit", openFiles, 3, Number(hard));
  assert.deepEqual(rig.news(1), [["connected", 0]]);
  assert.equal(rig.state & 2, 2);
  assert.deepEqual(idle(rig), []);
  call("askStreams");
  rig.turn();
  assert.equal(rig.state & 2, 2);
  assert.equal(rig.refusal("connectStream", address).code, "EMFILE");
  call("setResourceLimit", openFiles, Number(soft), Number(hard));
  assert.deepEqual(idle(rig), []);
  call("askStreams");
  const [accepted] = rig.rows(1);
  assert.deepEqual([accepted?.news, rig.state & 2], ["accepted", 0]);
  rig.close(near, ...(accepted === undefined ? [] : [accepted.name]));
}

/** One that listens no more is as silent, however often it is asked. */
function exerciseBrokenListener(rig: StreamRig): void {
  const { call } = rig;
  const { fd } = rig.plainListening();
  const name = named(call("listenStream", fd));
  // An address of no family ends what a socket does.
  call("connect", fd, new Uint8Array(16));
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(rig.turn(), []);
    assert.deepEqual([rig.state & 2, rig.turned], [2, 1]);
    assert.deepEqual(idle(rig), []);
    call("askStreams");
  }
  rig.close(name);
}

/**
 * The set does not take a stream again, or a listener: a file in the place of its socket is refused as one too many is. Who waits for
 * news is woken, and the stream is told of as lost; the listener is asked again.
 */
export async function exerciseDeafStreams(
  rig: StreamRig,
  address: Uint8Array,
  onNews: { call: () => void },
): Promise<void> {
  const { call } = rig;
  const woken = (): Promise<void> => new Promise((resolve) => (onNews.call = resolve));
  const before = openSockets();
  const near = named(call("connectStream", address));
  const descriptor = openSockets().find((fd) => !before.includes(fd)) ?? -1;
  const far = rig.rows(2).find(({ news }) => news === "accepted")?.name ?? [0, 0];
  call("pauseStream", ...near, true);
  call("shutStream", ...near);
  call("writeStream", ...far, bytes, 0, 4);
  assert.deepEqual(rig.news(1), [["end", 0]]);
  call("closeStream", ...far, false);
  assert.deepEqual(idle(rig), []);
  replaceByFile(rig, descriptor);
  const first = woken();
  call("pauseStream", ...near, false);
  await first;
  assert.deepEqual(
    rig.turn().map(({ length, name, news }) => [name, news, length]),
    [[near, "closed", notPermitted]],
  );
  assert.deepEqual([rig.turned, idle(rig)], [1, []]);
  call("pauseStream", ...near, true);
  call("pauseStream", ...near, false);
  assert.deepEqual(idle(rig), []);
  rig.close(near);

  const { fd } = rig.plainListening();
  const name = named(call("listenStream", fd));
  call("connect", fd, new Uint8Array(16));
  assert.deepEqual([rig.turn(), rig.state & 2], [[], 2]);
  replaceByFile(rig, fd);
  for (let times = 0; times < 2; times++) {
    const again = woken();
    call("askStreams");
    await again;
    assert.deepEqual([rig.turn(0), rig.state & 2], [[], 2]);
  }
  rig.close(name);
  call("askStreams");
}

function openSockets(): readonly number[] {
  const fds = readdirSync("/proc/self/fd").map(Number);
  return fds.filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  });
}

/** Puts memory in the place of a socket: no set of descriptors takes it. */
function replaceByFile({ call }: StreamRig, fd: number): void {
  call("close", fd);
  assert.equal(call("createMemory", 8), fd);
}

/** A socket that was inherited as one that blocks is not waited for. */
function exerciseBlockingListener(rig: StreamRig): void {
  const { address, name } = rig.listening(1);
  const { far, near } = rig.pair(address);
  rig.close(far, near, name);
}

/** What two turns tell where nobody is to hear anything; behind the first the set has nothing to tell, or it would be asked without end. */
function idle(rig: StreamRig): readonly unknown[] {
  const rows = [...rig.turn(20), ...rig.turn(20)];
  return rig.turned === 0 ? rows : [...rows, `and ${rig.turned} had news`];
}
