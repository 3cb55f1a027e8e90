import assert from "node:assert/strict";
import {
  exerciseDeafStreams,
  exerciseFailedOpening,
  exerciseStreamFaults,
} from "./exercise-stream-faults.ts";
import { exerciseStreamWrites } from "./exercise-stream-writes.ts";
import { blockBytes, named, StreamRig, type Call, type Name, type Refusal } from "./stream-rig.ts";

const hello = Buffer.from("-hello-");
const names = Buffer.from("host\nx-y\n");
const streamCalls = [
  "writeStream",
  "pauseStream",
  "isQuietStream",
  "unheardStream",
  "acknowledgedStream",
  "shutStream",
  "closeStream",
  "nameStream",
];

/** Streams of the addon: two ends of connections on loopback, in one set. */
export async function exerciseNativeStreams(call: Call, refusal: Refusal): Promise<void> {
  const rig = new StreamRig(call, refusal);
  const onNews = exerciseOpening(rig);
  exerciseUnfit(rig);
  const { address, name: entry } = rig.listening();
  exerciseReading(rig, address, entry);
  exerciseEnds(rig, address);
  exerciseStreamWrites(rig, address);
  exerciseStreamFaults(rig, address);
  await exerciseDeafStreams(rig, address, onNews);
  await exerciseWaking(rig, address, onNews);
  await exerciseWorker(entry);
  exerciseRefusal(rig, address, entry);
}

/** Begins; what is called for news is whatever `call` of the result is. */
function exerciseOpening(rig: StreamRig): { call: () => void } {
  const { call, refusal } = rig;
  assert.equal(refusal("lendStreams", rig.memory(new Int32Array(4), new Uint8Array(4))).code, "EBADF");
  assert.equal(refusal("turn", 0).code, "EBADF");
  assert.equal(refusal("writeStreams").code, "EBADF");
  assert.equal(refusal("closeStream", 0, 1, true).code, "EBADF");
  assert.equal(refusal("listenStream", 0).code, "EBADF");
  assert.equal(refusal("armStreams").code, "EBADF");
  exerciseFailedOpening(rig);
  const onNews = { call: (): void => undefined };
  call("openStreams", () => onNews.call(), -1, names);
  assert.equal(refusal("openStreams", () => undefined, -1, names).code, "EALREADY");
  assert.equal(refusal("turn", 0).code, "EBADF");
  assert.equal(refusal("writeStreams").code, "EBADF");
  rig.lend();
  return onNews;
}

function exerciseReading(rig: StreamRig, address: Uint8Array, entry: Name): void {
  const { call } = rig;
  const near = named(call("connectStream", address));
  const opened = rig.rows(2);
  const far = opened.find(({ news }) => news === "accepted")?.name ?? [0, 0];
  assert.deepEqual(opened.map(({ news }) => news).toSorted(), ["accepted", "connected"]);
  assert.equal(opened.find(({ news }) => news === "accepted")?.fourth, entry[1]);
  assert.deepEqual(call("nameStream", ...near, true), address);
  assert.deepEqual(call("nameStream", ...far, true), call("nameStream", ...near, false));

  assert.equal(call("writeStream", ...near, hello, 1, 5), 5);
  assert.deepEqual(rig.rows(1), [{ name: far, news: "data", fourth: 0, bytes: "hello", length: 5 }]);
  for (const [offset, length] of [
    [8, 0],
    [0, 8],
    [7, 1],
    [-1, 1],
  ] as const)
    assert.throws(() => call("writeStream", ...near, hello, offset, length));

  // Of what is paused nothing is read.
  call("pauseStream", ...far, true);
  call("writeStream", ...near, hello, 0, 7);
  assert.deepEqual(rig.turn(20), []);
  call("pauseStream", ...far, false);
  assert.equal(rig.rows(1)[0]?.bytes, "-hello-");

  // There is room again once the other end reads.
  call("pauseStream", ...far, true);
  const much = Buffer.alloc(blockBytes, "x");
  let sent = 0;
  for (let taken = blockBytes; taken === blockBytes; sent += taken)
    taken = call("writeStream", ...near, much, 0, blockBytes) as number;
  call("pauseStream", ...far, false);
  let isWritable = false;
  for (let got = 0; got < sent || !isWritable;)
    for (const { length, name, news } of rig.turn()) {
      if (news === "data") got += length;
      else assert.deepEqual([(isWritable = true), name, news], [true, near, "writable"]);
    }
  rig.close(near, far);
}

function exerciseEnds(rig: StreamRig, address: Uint8Array): void {
  const { call, refusal } = rig;
  // An end in order is told once; both ends make a close.
  const { far, near } = rig.pair(address);
  call("shutStream", ...near);
  assert.deepEqual(rig.rows(1)[0], { name: far, news: "end", fourth: 0, bytes: "", length: 0 });
  assert.deepEqual(rig.turn(20), []);
  call("closeStream", ...far, false);
  assert.deepEqual(rig.news(2), [
    ["end", 0],
    ["closed", 0],
  ]);
  call("closeStream", ...near, false);
  for (const name of streamCalls) assert.equal(refusal(name, ...near, hello, 0, 1).code, "EBADF");

  // Its place goes to the next, under another name; a reset is told as one, also where a write has heard of it first.
  const { far: other, near: second } = rig.pair(address);
  assert.notDeepEqual(second, near);
  call("closeStream", ...other, true);
  assert.equal(call("writeStream", ...second, hello, 0, 1), -1);
  const [gone] = rig.rows(1);
  assert.deepEqual([gone?.name, gone?.news, (gone?.length ?? 0) > 0], [second, "closed", true]);
  call("closeStream", ...second, false);
}

/** A process is woken, and kept alive for that, while it has streams; exercise.ts ends only if it is not when they are closed. */
async function exerciseWaking(
  rig: StreamRig,
  address: Uint8Array,
  onNews: { call: () => void },
): Promise<void> {
  const port = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
  // A second time changes nothing.
  for (let times = 0; times < 2; times++) rig.call("armStreams");
  const script = `sleep 0.2; exec 3<>/dev/tcp/127.0.0.1/${port}`;
  const child = Bun.spawn(["/bin/bash", "-c", script], { stdio: ["ignore", "ignore", "ignore"] });
  child.unref();
  let calls = 0;
  await new Promise<void>((resolve) => (onNews.call = (): void => void (resolve(), (calls += 1))));
  const name = rig.turn().find(({ news }) => news === "accepted")?.name;
  assert(name !== undefined);
  await child.exited;
  assert.equal(calls, 1);
  assert.deepEqual(rig.news(1), [["end", 0]]);
  rig.close(name);
}

/** A worker of the runtime has streams of its own, and none of ours. */
async function exerciseWorker(name: Name): Promise<void> {
  const source = `
    const native = require(${JSON.stringify(process.argv[2])});
    const codes = [["closeStream", ...${JSON.stringify(name)}, true], ["armStreams"], ["openStreams", () => undefined, -1, new Uint8Array(0)], ["armStreams"]]
      .map(([name, ...parameters]) => {
        try { native[name](...parameters); return ""; } catch ({ code }) { return code; }
      });
    postMessage(codes);`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const codes = await new Promise((resolve) => (worker.onmessage = ({ data }): void => resolve(data)));
  assert.deepEqual(codes, ["EBADF", "EBADF", "", ""]);
  const closed = new Promise((resolve) => worker.addEventListener("close", resolve));
  worker.terminate();
  await closed;
}

/** Nobody listens any more. */
function exerciseRefusal(rig: StreamRig, address: Uint8Array, entry: Name): void {
  rig.call("askStreams");
  rig.call("closeStream", ...entry, false);
  const third = rig.call("connectStream", address);
  assert.deepEqual(rig.news(1), [["refused", 111]]);
  rig.close(named(third));
}

function exerciseUnfit(rig: StreamRig): void {
  const { refusal, table } = rig;
  for (const unfit of [undefined, null, "x", {}, -1, 2 ** 40, new Uint8Array(4), new Int32Array(9)]) {
    rig.makeRoom();
    refusal("turn", unfit);
    refusal("lendStreams", unfit);
    const memory = rig.memory(new Int32Array(4), new Uint8Array(4));
    for (const [name, array] of Object.entries(memory)) {
      const isKind = [Int32Array, Uint8Array].some((kind) => unfit instanceof kind && array instanceof kind);
      // Only the table has to have room for something.
      if (isKind && name !== "table") continue;
      refusal("lendStreams", { ...memory, [name]: unfit });
    }
    refusal("listenStream", unfit);
    refusal("connectStream", unfit);
    for (const name of streamCalls) refusal(name, unfit, unfit, unfit, unfit, unfit);
  }
  // What is read into lies in the memory.
  for (const [used, end] of [
    [-256, 256],
    [256, 0],
    [0, 8],
    [8, 256],
    [0, 2 ** 20],
  ] as const)
    for (const at of [0, 2, 4, 6]) {
      rig.makeRoom();
      table.set([used, end], at);
      assert.equal(refusal("turn", 0).name, "RangeError");
    }
}
