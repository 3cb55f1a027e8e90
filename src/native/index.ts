import { SystemError, errorText } from "../base/system-error.ts";

/**
 * The typed face of the native addon: system calls, bytes in and bytes out. What the bytes mean is known in
 * src/kernel, its only importer. Every function throws `SystemError` when the call fails, and `TypeError` or
 * `RangeError` when an argument is unfit.
 */

/** A datagram that was received; `into` holds its first bytes. */
export interface Received {
  /** Bytes written, or the datagram's own length if it was cut off and the socket reports that. */
  readonly length: number;
  /** Whether the datagram was longer than the room for it. */
  readonly isTruncated: boolean;
  /** The sender's socket address; empty for a connected socket. */
  readonly source: Uint8Array;
  /** From IP_RECVTTL or IPV6_RECVHOPLIMIT, or null. */
  readonly ttl: number | null;
  /** From IP_PKTINFO, 4 bytes, or IPV6_RECVPKTINFO, 16 bytes; or null. */
  readonly destination: Uint8Array | null;
  /** From IP_PKTINFO or IPV6_RECVPKTINFO, or 0. */
  readonly interfaceIndex: number;
  /** From PACKET_AUXDATA: the four bytes of a VLAN tag that the kernel took out of the frame, or null. */
  readonly vlanTag: Uint8Array | null;
  /** From SO_TIMESTAMPNS: milliseconds since 1970, or null. */
  readonly receivedMs: number | null;
}

/** Memory that streams use as long as it is lent: nobody may transfer it. */
export interface StreamMemory {
  /** What a turn is told, and what it tells (`turn`). */
  readonly table: Int32Array;
  /** Where heads are written down, from 1 on (native/heads.h). */
  readonly heads: Int32Array;
  /** What clients send is read into this. */
  readonly clients: Uint8Array;
  /** What servers send is read into this. */
  readonly servers: Uint8Array;
  /** Four numbers for each write that is gathered (`writeStreams`), and the bytes of all. */
  readonly writes: Int32Array;
  readonly gathered: Uint8Array;
}

/**
 * Streams of one thread (native/streams.h): connected TCP sockets and the listening ones they come from. A stream is named by its place
 * and its generation; one that is not there throws `EBADF`. These are called for each read and write, so they throw the addon's own
 * errors, with `call` and `code`.
 */
export interface StreamCalls {
  /**
   * Begins, once in a thread (`EALREADY`); `onNews` is called once for each `armStreams`. `runtime` is the descriptor that the runtime
   * waits on, or -1. `names` are those of fields that are known, in lower case and with a line feed behind each: 100 of 32 octets at most
   * (`RangeError`). As long as there are streams, the process is kept alive.
   */
  openStreams(onNews: () => void, runtime: number, names: Uint8Array): void;
  /** Says what turns read into, write from and tell by, until it is said anew; they throw `EBADF` before. */
  lendStreams(memory: StreamMemory): void;
  /** Has `onNews` called when there is something to do, at once if there is already. */
  armStreams(): void;
  /** Asks listeners again that could take nobody for want of descriptors or memory. */
  askStreams(): void;
  /**
   * Writes what is gathered (`writeStreams`), waits up to `ms` milliseconds (0 to 1000), accepts and reads. Gives how many descriptors had
   * news; those for which there was no room have their turn first in the next.
   *
   * The table begins with twelve numbers. Four for clients and four for servers tell where in either memory is read into: beginning and end
   * of one part, then of another, multiples of 256 within the memory; behind the turn the beginnings are how far each is used. The ninth is
   * the number of rows, the tenth a state: 1 the runtime has news, 2 a listener could take nobody (`askStreams`). The eleventh says how many
   * writes are gathered, the twelfth how many of the last were not taken whole. A row is seven numbers; of data the seventh is where among
   * the heads the one is written down that it begins with (native/heads.h), or 0:
   *
   *     place, generation, 1 data, 1 if it is a server, offset, length        bytes, in the memory of its kind
   *     place, generation, 2 end, …, 0, 0                                     the peer will send no more
   *     place, generation, 3 closed, …, 0, errno or 0                         it is lost, or both sides have ended; told once
   *     place, generation, 4 writable, …, 0, 0                                behind a write that was not taken whole
   *     place, generation, 5 accepted, listener's generation, offset, listener's place       the peer's address is in the clients' memory
   *     place, generation, 6 connected, …, 0, 0
   *     place, generation, 7 refused, …, 0, errno                             told once
   *
   * Whoever is told of `closed` or `refused` still has to close it. One that the kernel does not watch again, for want of memory or watches,
   * is told of as closed.
   */
  turn(ms: number): number;
  /** Takes a listening socket, which is the streams' to close from now on; gives its name as one number: generation × 2^18 + place. */
  listenStream(fd: number): number;
  /** Begins a connection to a socket address, and gives its name; throws what fails at once. There is no time limit but the kernel's. */
  connectStream(address: Uint8Array): number;
  /** Writes; gives how many bytes were taken, -1 if the connection is lost. What was not taken whole is told of when there is room. */
  writeStream(place: number, generation: number, bytes: Uint8Array, offset: number, length: number): number;
  /**
   * Writes what is gathered for many streams, as many rows as the table's eleventh number says, which is 0 then: each is four numbers, a place, a
   * generation, and an offset and a length of gathered bytes. The twelfth says how many were not taken whole, and the length in each is
   *
   * - how many bytes were taken, as `writeStream` does;
   * - 0 for a stream that waits for room, or had too little for a row before: the order of its bytes is kept;
   * - -1 for one that is lost.
   *
   * What was meant for a stream that is closed counts as taken whole. A row that reaches out of the memory, or more rows than there are,
   * is a `RangeError`, and nothing is written.
   */
  writeStreams(): void;
  /** Reads no more of it, or goes on. */
  pauseStream(place: number, generation: number, isPaused: boolean): void;
  /** Tells whether nothing has come that no turn has told of: no bytes, no end, no reset. */
  isQuietStream(place: number, generation: number): boolean;
  /**
   * Gives how many of the bytes that were written last the peer's system had not got when the peer ended its half in order, as it said with
   * that; 0 if it has not ended it, or we have ended ours. Acknowledgements that came behind the end may make it less.
   */
  unheardStream(place: number, generation: number): number;
  /** Gives how many bytes the peer's system has acknowledged so far; -1 if that is not known. */
  acknowledgedStream(place: number, generation: number): number;
  /** The same of a socket that is no stream. */
  acknowledgedSocket(fd: number): number;
  /** Ends our half behind what was written. */
  shutStream(place: number, generation: number): void;
  /** Closes a stream, a listener, or one that is being connected; `isReset`: the peer sees a reset. */
  closeStream(place: number, generation: number, isReset: boolean): void;
  /** Gives our socket address or the peer's; null once it has none. */
  nameStream(place: number, generation: number, isPeer: boolean): Uint8Array | null;
}

interface Addon extends StreamCalls {
  open(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): void;
  connect(fd: number, address: Uint8Array): void;
  listen(fd: number, backlog: number): void;
  setOption(fd: number, level: number, name: number, value: Uint8Array): void;
  attachFilter(fd: number, program: Uint8Array): void;
  getOption(fd: number, level: number, name: number, size: number): Uint8Array;
  getName(fd: number): Uint8Array;
  send(fd: number, bytes: Uint8Array, address: Uint8Array | null, flags: number): number;
  sendDescriptor(fd: number, bytes: Uint8Array, address: Uint8Array, passed: number, flags: number): number;
  receive(fd: number, into: Uint8Array): Received | null;
  watch(fd: number, callback: () => void): void;
  unwatch(fd: number): void;
  close(fd: number): void;
  createTimer(): number;
  setTimer(fd: number, seconds: number, nanoseconds: number): void;
  readTimer(fd: number): number;
  monotonicMs(): number;
  setScheduler(thread: number, policy: number, priority: number): void;
  setResourceLimit(resource: number, soft: number, hard: number): void;
  lockMemory(): void;
  openProcess(pid: number): number;
  takeOver(fd: number): void;
  execute(path: Uint8Array, words: Uint8Array, environment: Uint8Array, descriptors: Uint8Array): never;
  reap(pid: number): boolean;
  createMemory(size: number): number;
  createPoll(): number;
  controlPoll(poll: number, operation: number, fd: number, events: number): void;
  readPoll(poll: number, into: Uint8Array): number;
  startConnect(fd: number, address: Uint8Array): boolean;
  read(fd: number, into: Uint8Array): number;
}

let loaded: Addon | null = null;

/** Loads the addon at its first use: `edge-ha version` never maps it. */
function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  try {
    // A literal path is what makes the compiler embed the file in the executable. At run time it is unpacked to one
    // file for each version and user (`$TMPDIR/.bun-<uid>-<hash>.node`), which later starts use again.
    return require("../../native/build/edge_ha.node") as Addon;
  } catch (error) {
    const hint = `${errorText(error)}; TMPDIR must name a directory that can be written to and executed from`;
    throw new SystemError("dlopen", "ENOEXEC", hint);
  }
}

/** Runs a native call and turns its errno into a `SystemError`. */
function checked<T>(act: (native: Addon) => T): T {
  try {
    return act(addon());
  } catch (error) {
    if (error instanceof SystemError) throw error;
    if (error instanceof Error && "call" in error && "code" in error) {
      throw new SystemError(String(error.call), String(error.code));
    }
    throw error;
  }
}

/** Opens a socket that is closed on exec; add SOCK_NONBLOCK to the type where it must not block. */
export function open(domain: number, type: number, protocol: number): number {
  return checked((native) => native.open(domain, type, protocol));
}

/** Names a socket with a socket address. */
export function bind(fd: number, address: Uint8Array): void {
  checked((native) => native.bind(fd, address));
}

/** Connects a socket; a non-blocking one throws `EINPROGRESS`. */
export function connect(fd: number, address: Uint8Array): void {
  checked((native) => native.connect(fd, address));
}

/** Makes a socket listen. */
export function listen(fd: number, backlog: number): void {
  checked((native) => native.listen(fd, backlog));
}

/** Sets a socket option to bytes in the host's order. */
export function setOption(fd: number, level: number, name: number, value: Uint8Array): void {
  checked((native) => native.setOption(fd, level, name, value));
}

/** Has the kernel queue only what a classic BPF program lets through: 1 to 256 instructions of 8 bytes. */
export function attachFilter(fd: number, program: Uint8Array): void {
  checked((native) => native.attachFilter(fd, program));
}

/** Reads a socket option of at most `size` bytes. */
export function getOption(fd: number, level: number, name: number, size: number): Uint8Array {
  return checked((native) => native.getOption(fd, level, name, size));
}

/** Gives the socket address that a socket is bound to. */
export function getName(fd: number): Uint8Array {
  return checked((native) => native.getName(fd));
}

/** Sends bytes to a socket address, or where the socket is connected to; gives the number of bytes taken. */
export function send(fd: number, bytes: Uint8Array, address: Uint8Array | null, flags: number): number {
  return checked((native) => native.send(fd, bytes, address, flags));
}

/** Who gets a datagram, and the descriptor that goes with it (SCM_RIGHTS). */
export interface PassedDescriptor {
  readonly address: Uint8Array;
  readonly descriptor: number;
}

/** Sends bytes and a descriptor of ours to a Unix socket; gives the number of bytes taken. */
export function sendDescriptor(fd: number, bytes: Uint8Array, to: PassedDescriptor, flags: number): number {
  return checked((native) => native.sendDescriptor(fd, bytes, to.address, to.descriptor, flags));
}

/** Receives one datagram, or gives null if there is none (at once, or within the socket's SO_RCVTIMEO). */
export function receive(fd: number, into: Uint8Array): Received | null {
  return checked((native) => native.receive(fd, into));
}

/** Calls back whenever the descriptor is readable and keeps the process alive, until `unwatch` or `close`. */
export function watch(fd: number, callback: () => void): void {
  checked((native) => native.watch(fd, callback));
}

/** Ends a watch, also for what is queued already; does nothing if there is none. */
export function unwatch(fd: number): void {
  checked((native) => native.unwatch(fd));
}

/** Closes a descriptor and ends the watch on it. */
export function close(fd: number): void {
  checked((native) => native.close(fd));
}

/** Opens a timer descriptor on CLOCK_MONOTONIC. */
export function createTimer(): number {
  return checked((native) => native.createTimer());
}

/** Sets a timer to an absolute time of CLOCK_MONOTONIC; zero and zero disarms it. */
export function setTimer(fd: number, seconds: number, nanoseconds: number): void {
  checked((native) => native.setTimer(fd, seconds, nanoseconds));
}

/** Gives how often a timer expired since it was last read or set. */
export function readTimer(fd: number): number {
  return checked((native) => native.readTimer(fd));
}

/** Reads CLOCK_MONOTONIC in milliseconds with a fraction. */
export function monotonicMs(): number {
  return checked((native) => native.monotonicMs());
}

/** Sets the policy of one thread of this process (0: the calling one); what it starts later is not affected. */
export function setScheduler(thread: number, policy: number, priority: number): void {
  checked((native) => native.setScheduler(thread, policy, priority));
}

/** Sets a resource limit of this process. */
export function setResourceLimit(resource: number, soft: number, hard: number): void {
  checked((native) => native.setResourceLimit(resource, soft, hard));
}

/** Keeps every page in memory from its first use on. */
export function lockMemory(): void {
  checked((native) => native.lockMemory());
}

/** Opens a descriptor that becomes readable when a process ends; throws `ESRCH` if there is none. */
export function openProcess(pid: number): number {
  return checked((native) => native.openProcess(pid));
}

/** Makes an inherited descriptor one like those that are opened here: non-blocking, closed on exec. */
export function takeOver(fd: number): void {
  checked((native) => native.takeOver(fd));
}

/** What runs in the place of this process. Each list of strings has a NUL behind each. */
export interface Successor {
  readonly path: Uint8Array;
  readonly words: Uint8Array;
  readonly environment: Uint8Array;
  /** Descriptors that stay open beside the standard streams, 32 bits each in the host's order. */
  readonly descriptors: Uint8Array;
}

/** Runs another program in the place of this process: it comes back only to throw. */
export function execute({ path, words, environment, descriptors }: Successor): never {
  return checked((native) => native.execute(path, words, environment, descriptors));
}

/** Tells whether a child that ran before this program took its predecessor's place has ended, and clears it away. */
export function reap(pid: number): boolean {
  return checked((native) => native.reap(pid));
}

/** Opens memory of so many bytes that processes can share: all zero, and never of another size. */
export function createMemory(size: number): number {
  return checked((native) => native.createMemory(size));
}

/** Opens a set of descriptors to wait for; it is readable, and can be watched, while one of them has news. */
export function createPoll(): number {
  return checked((native) => native.createPoll());
}

/** Adds a descriptor to a set, changes what it is asked for, or removes it. */
export function controlPoll(poll: number, operation: number, fd: number, events: number): void {
  checked((native) => native.controlPoll(poll, operation, fd, events));
}

/**
 * Writes what is new in a set as pairs of a descriptor and its events, 32 bits each in the host's order, at most 256 of
 * them, and gives how many; it does not wait.
 */
export function readPoll(poll: number, into: Uint8Array): number {
  return checked((native) => native.readPoll(poll, into));
}

/** Connects a non-blocking socket: whether the connection is there already, or under way. */
export function startConnect(fd: number, address: Uint8Array): boolean {
  return checked((native) => native.startConnect(fd, address));
}

/** Reads from a stream: the number of bytes, 0 at its end, -1 if there are none now. */
export function read(fd: number, into: Uint8Array): number {
  return checked((native) => native.read(fd, into));
}

/** Gives the calls on streams. */
export function streamCalls(): StreamCalls {
  return checked((native) => native);
}
