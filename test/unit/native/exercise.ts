import assert from "node:assert/strict";
import { ftruncateSync } from "node:fs";
import { equalBytes } from "../../../src/base/bytes.ts";
import { exerciseNativeStreams } from "./exercise-streams.ts";

/**
 * Drives every function of an addon: rightly on loopback, and wrongly with arguments of every unfit kind. Run by
 * sanitizer.test.ts with an addon that stops at the first memory error; `bun exercise.ts FILE.node`.
 */

type Callable = (...parameters: readonly unknown[]) => unknown;

const file = process.argv[2];
assert(file !== undefined, "usage: exercise.ts FILE.node");
const native = require(file) as Readonly<Record<string, Callable>>;
const called = new Set<string>();

function call(name: string, ...parameters: readonly unknown[]): unknown {
  const act = native[name];
  assert(act !== undefined, `no function ${name}`);
  called.add(name);
  return act(...parameters);
}

function refusal(
  name: string,
  ...parameters: readonly unknown[]
): { call?: string; code?: string; name: string } {
  try {
    call(name, ...parameters);
  } catch (error) {
    assert(error instanceof Error);
    return error;
  }
  throw new Error(`${name}(${parameters.map(String).join(", ")}) was not refused`);
}

const int = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** An abstract Unix socket address that is this process's own. */
const unixName = (name: string): Uint8Array => {
  const text = bytes(`edge-ha-${process.pid}-${name}`);
  return new Uint8Array([1, 0, 0, ...text]);
};

function exerciseArguments(): void {
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const unfit = [
    undefined,
    null,
    "x",
    {},
    [],
    true,
    Symbol("s"),
    10n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1.5,
    -1,
    2 ** 40,
    -(2 ** 60),
    2 ** 63,
    new Int8Array(4),
    new DataView(new ArrayBuffer(4)),
    new ArrayBuffer(4),
    detached,
    new Uint8Array(0),
    new Uint8Array(200),
    () => undefined,
  ];
  const checked = [
    "bind",
    "connect",
    "listen",
    "setOption",
    "getOption",
    "send",
    "receive",
    "watch",
    "unwatch",
    "controlPoll",
    "readPoll",
    "startConnect",
    "read",
  ];
  for (const name of [...checked, "close", "setTimer", "readTimer"]) {
    assert.equal(refusal(name).name, "TypeError");
    for (const first of unfit) {
      for (const second of unfit) {
        if (typeof first === "object" && first instanceof Uint8Array) continue;
        refusal(name, first, second, second, second);
      }
    }
  }
  for (const parameter of unfit) {
    refusal("open", parameter, parameter, parameter);
    refusal("setScheduler", parameter, parameter, parameter);
    refusal("setResourceLimit", parameter, parameter, parameter);
    refusal("openProcess", parameter);
    refusal("reap", parameter);
    refusal("createMemory", parameter);
    refusal("takeOver", parameter);
    refusal("getName", parameter);
    refusal("sendDescriptor", 0, new Uint8Array(1), unixName("x"), parameter, 0);
    if (!(parameter instanceof Uint8Array)) refusal("execute", parameter, parameter, parameter, parameter);
  }
  const fd = call("open", 1, 2 | 0x800, 0);
  for (const parameter of unfit) {
    refusal("bind", fd, parameter);
    refusal("watch", fd, typeof parameter === "function" ? undefined : parameter);
    refusal("setOption", fd, 1, 8, parameter instanceof Uint8Array ? new Uint8Array(5000) : parameter);
    refusal("getOption", fd, 1, 8, parameter);
    refusal("attachFilter", fd, parameter instanceof Uint8Array ? new Uint8Array(2056) : parameter);
    refusal("send", fd, parameter, parameter, 0);
  }
  assert.equal((call("receive", fd, new Uint8Array(0)) as null) ?? null, null);
  call("close", fd);
  assert.equal(refusal("close", fd).code, "EBADF");
}

function exerciseDatagrams(): void {
  const dgramNonBlocking = 2 | 0x800;
  const [here, there] = [unixName("here"), unixName("there")];
  const [a, b] = [call("open", 1, dgramNonBlocking, 0), call("open", 1, dgramNonBlocking, 0)];
  call("bind", a, here);
  call("bind", b, there);
  const into = new Uint8Array(16);
  assert.equal(call("receive", b, into), null);
  assert.equal(call("send", a, bytes("hello"), there, 0), 5);
  const received = call("receive", b, into) as Record<string, unknown>;
  assert(equalBytes(received["source"] as Uint8Array, here));
  assert.deepEqual(
    { ...received, source: null },
    {
      length: 5,
      isTruncated: false,
      source: null,
      ttl: null,
      destination: null,
      interfaceIndex: 0,
      vlanTag: null,
      receivedMs: null,
    },
  );
  assert.equal(new TextDecoder().decode(into.subarray(0, 5)), "hello");
  call("connect", a, there);
  assert.equal(call("send", a, bytes("too long for it"), null, 0), 15);
  assert.equal((call("receive", b, new Uint8Array(3)) as { isTruncated: boolean }).isTruncated, true);
  assert.equal(call("send", a, new Uint8Array(0), null, 0), 0);
  assert.equal((call("receive", b, new Uint8Array(0)) as { length: number }).length, 0);
  assert.deepEqual(
    refusal("bind", a, here),
    Object.assign(new Error("bind: EINVAL"), { call: "bind", code: "EINVAL" }),
  );
  call("close", a);
  call("close", b);
}

/** Classic BPF, standing at an odd place in memory: the second datagram has a first byte that is let through. */
function exerciseFilter(): void {
  const instructions = [
    [0x30, 0, 0, 0], // A = byte 0
    [0x15, 0, 1, 7], // if A == 7
    [0x06, 0, 0, 0xffff], // take it
    [0x06, 0, 0, 0], // drop it
  ] as const;
  const program = new Uint8Array(1 + 8 * instructions.length).subarray(1);
  for (const [index, [code, jumpTrue, jumpFalse, value]] of instructions.entries()) {
    program.set([code, 0, jumpTrue, jumpFalse, value & 0xff, value >> 8], 8 * index);
  }
  const [a, b] = [call("open", 1, 2 | 0x800, 0), call("open", 1, 2 | 0x800, 0)];
  call("bind", b, unixName("filtered"));
  call("attachFilter", b, program);
  for (const first of [6, 7]) call("send", a, Uint8Array.of(first), unixName("filtered"), 0);
  const into = new Uint8Array(4);
  call("receive", b, into);
  assert.equal(into[0], 7);
  assert.equal(call("receive", b, into), null);
  assert.equal(refusal("attachFilter", b, new Uint8Array(8)).code, "EINVAL");
  call("close", a);
  call("close", b);
}

function exerciseAncillary(): void {
  // 127.x.y.z of this process: no other one is in the way.
  const address = Uint8Array.of(
    2,
    0,
    0x13,
    0xf8,
    127,
    (process.pid >> 16) & 0xff,
    process.pid >> 8,
    process.pid,
  );
  const padded = new Uint8Array(16);
  padded.set(address);
  const fd = call("open", 2, 2 | 0x800, 17);
  call("setOption", fd, 0, 12, int(1));
  call("setOption", fd, 0, 8, int(1));
  call("setOption", fd, 0, 2, int(77));
  assert(equalBytes(call("getOption", fd, 0, 2, 4) as Uint8Array, int(77)));
  assert.equal((call("getOption", fd, 0, 2, 0) as Uint8Array).length, 0);
  call("bind", fd, padded);
  call("send", fd, bytes("x"), padded, 0);
  const received = call("receive", fd, new Uint8Array(4)) as Record<string, unknown>;
  assert.equal(received["ttl"], 77);
  assert.equal(received["interfaceIndex"], 1);
  assert(equalBytes(received["destination"] as Uint8Array, padded.subarray(4, 8)));
  call("close", fd);
}

/** Binds to a free port of ::1, which is every process's, and gives the address. */
function bindLoopback6(fd: unknown): Uint8Array {
  for (let port = 20_000 + (process.pid % 20_000); ; port++) {
    const address = Uint8Array.of(10, 0, port >> 8, port, ...new Uint8Array(19), 1, 0, 0, 0, 0);
    try {
      call("bind", fd, address);
      return address;
    } catch (error) {
      assert.equal((error as { code: string }).code, "EADDRINUSE");
    }
  }
}

function exerciseAncillary6(): void {
  const fd = call("open", 10, 2 | 0x800, 17);
  for (const option of [51, 49]) call("setOption", fd, 41, option, int(1));
  call("setOption", fd, 41, 16, int(77));
  const address = bindLoopback6(fd);
  call("send", fd, bytes("x"), address, 0);
  const received = call("receive", fd, new Uint8Array(4)) as Record<string, unknown>;
  assert.equal(received["ttl"], 77);
  assert.equal(received["interfaceIndex"], 1);
  assert(equalBytes(received["destination"] as Uint8Array, address.subarray(8, 24)));
  assert(equalBytes(received["source"] as Uint8Array, address));
  call("close", fd);
}

function exerciseProcess(): void {
  for (const act of [
    () => call("lockMemory"),
    () => call("setScheduler", 0, 2, 1),
    () => call("setScheduler", 0, 0, 0),
  ]) {
    try {
      act();
    } catch (error) {
      // Without the privilege.
      assert(["EPERM", "ENOMEM"].includes((error as { code: string }).code), String(error));
    }
  }
  call("setResourceLimit", 4, 0, 0);
  const stream = call("open", 1, 1, 0);
  call("bind", stream, unixName("stream"));
  call("listen", stream, 5);
  call("close", stream);
}

async function exerciseProcessEnd(): Promise<void> {
  const child = Bun.spawn(["/bin/sleep", "1000"]);
  const fd = call("openProcess", child.pid);
  const ended = new Promise<void>((resolve) => void call("watch", fd, resolve));
  child.kill("SIGKILL");
  await ended;
  call("close", fd);
  await child.exited;
  assert.equal(refusal("openProcess", child.pid).code, "ESRCH");
}

/** Keeps many watches busy while some end, begin anew, and throw away what is queued for them. */
async function exerciseWatches(): Promise<void> {
  const sockets = Array.from({ length: 64 }, (_, index) => {
    const fd = call("open", 1, 2 | 0x800, 0) as number;
    call("bind", fd, unixName(`w${index}`));
    return fd;
  });
  const into = new Uint8Array(16);
  const counter = { deliveries: 0 };
  const react = (fd: number) => () => {
    if (call("receive", fd, into) !== null) counter.deliveries += 1;
    if (counter.deliveries % 7 === 0) {
      call("unwatch", fd);
      call("watch", fd, react(fd));
    }
  };
  for (const fd of sockets) call("watch", fd, react(fd));
  assert.equal(refusal("watch", sockets[0], () => undefined).code, "EEXIST");
  const sender = call("open", 1, 2 | 0x800, 0);
  for (let round = 0; round < 20; round++) {
    for (const index of sockets.keys()) call("send", sender, int(round), unixName(`w${index}`), 0x40);
    while (counter.deliveries < 64 * (round + 1)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(counter.deliveries, 64 * 20);
  for (const index of sockets.keys()) call("send", sender, int(1), unixName(`w${index}`), 0x40);
  for (const fd of sockets) call("close", fd);
  call("close", sender);
}

async function exerciseTimers(): Promise<void> {
  const fd = call("createTimer") as number;
  assert.equal(call("readTimer", fd), 0);
  const start = call("monotonicMs") as number;
  const at = start + 20;
  await new Promise<void>((resolve) => {
    call("watch", fd, () => {
      assert.equal(call("readTimer", fd), 1);
      resolve();
    });
    call("setTimer", fd, Math.floor(at / 1000), Math.floor((at % 1000) * 1e6));
  });
  assert((call("monotonicMs") as number) >= at - 0.001);
  call("setTimer", fd, 0, 1);
  call("setTimer", fd, 0, 0);
  assert.equal(call("readTimer", fd), 0);
  call("close", fd);
}

/** A connection that the other side never accepts, and then resets. */
function exerciseStreams(): void {
  const listener = call("open", 1, 1, 0);
  call("bind", listener, unixName("stream"));
  call("listen", listener, 4);
  const fd = call("open", 1, 1 | 0x800, 0) as number;
  assert.equal(call("startConnect", fd, unixName("stream")), true);
  const poll = call("createPoll");
  call("controlPoll", poll, 1, fd, 4);
  const into = new Uint8Array(8);
  assert.equal(call("readPoll", poll, into), 1);
  assert.deepEqual([...new Int32Array(into.buffer)], [fd, 4]);
  assert.equal(refusal("readPoll", poll, new Uint8Array(7)).name, "RangeError");
  assert.equal(refusal("controlPoll", poll, 1, fd, 4).code, "EEXIST");
  assert.equal(call("read", fd, new Uint8Array(64)), -1);
  call("close", listener);
  assert.equal(refusal("read", fd, new Uint8Array(64)).code, "ECONNRESET");
  assert.equal(
    refusal("startConnect", call("open", 1, 1 | 0x800, 0), unixName("nobody")).code,
    "ECONNREFUSED",
  );
  call("controlPoll", poll, 2, fd, 0);
  assert.equal(call("readPoll", poll, into), 0);
  call("close", fd);
  call("close", poll);
}

/** A socket that changes hands, and a program that is not there. */
function exerciseSuccession(): void {
  const [a, b] = [call("open", 1, 2 | 0x800, 0), call("open", 1, 2 | 0x800, 0)];
  call("bind", b, unixName("heir"));
  assert(equalBytes(call("getName", b) as Uint8Array, unixName("heir")));
  assert.equal(call("sendDescriptor", a, bytes("FDSTORE=1"), unixName("heir"), b, 0), 9);
  assert.equal((call("receive", b, new Uint8Array(16)) as { length: number }).length, 9);
  assert.equal(refusal("sendDescriptor", a, bytes("x"), unixName("nobody"), b, 0).code, "ECONNREFUSED");
  call("takeOver", a);
  const nowhere = bytes("/nonexistent/edge-ha\0");
  for (const words of [bytes("edge-ha\0serve\0"), bytes("unended"), new Uint8Array(0)]) {
    assert.equal(refusal("execute", nowhere, words, words, int(a as number)).code, "ENOENT");
  }
  assert.equal(refusal("execute", bytes("/bin/true"), bytes("true\0"), bytes(""), int(0)).name, "RangeError");
  assert.equal(call("reap", process.pid), true);
  call("close", a);
  call("close", b);
}

/** Memory that is as large as it was made, whoever has it. */
function exerciseMemory(): void {
  const fd = call("createMemory", 65_536) as number;
  const path = `/proc/self/fd/${fd}`;
  const [one, other] = [Bun.mmap(path), Bun.mmap(path)];
  one[65_535] = 7;
  assert.deepEqual([other[0], other[65_535]], [0, 7]);
  for (const size of [1, 131_072]) assert.throws(() => ftruncateSync(fd, size), { code: "EPERM" });
  call("close", fd);
  assert.equal(one[65_535], 7);
}

async function exercise(): Promise<void> {
  exerciseArguments();
  exerciseMemory();
  exerciseSuccession();
  exerciseStreams();
  await exerciseNativeStreams(call, refusal);
  exerciseDatagrams();
  exerciseFilter();
  exerciseAncillary();
  exerciseAncillary6();
  exerciseProcess();
  await exerciseProcessEnd();
  await exerciseWatches();
  await exerciseTimers();
  assert.deepEqual([...called].sort(), Object.keys(native).sort());
  process.stdout.write("exercised\n");
}

// Not awaited here: that would keep the process alive, which is what it waits for has to do.
void exercise();
