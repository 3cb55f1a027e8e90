import { drainMicrotasks } from "bun:jsc";
import { readdirSync, readlinkSync } from "node:fs";
import { addressBytes, addressFromBytes, type Endpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { streamCalls, type StreamCalls } from "../native/index.ts";
import { ReadMemory } from "./read-memory.ts";
import { noOwner, type SocketOwner, type Wire } from "./sockets.ts";

const placeCount = 2 ** 18;
/** Words in front of the rows: where either kind of memory is read into, how many rows there are, and the state. */
const clientWords = 0;
const serverWords = 4;
const rowCountWord = 8;
const stateWord = 9;
const headerWords = 10;
/** What clients send is let go of less often, so there is less to go round in. */
const clientBlocks = 4;
const serverBlocks = 32;
const rowWords = 6;
const mostRows = 512;
/** How long a turn waits itself before it leaves the waiting to the runtime. */
const waitMs = 1;
/** How long turns go on before the runtime has its own. */
const sliceMs = 2;

/** What the fourth number in front of the rows tells. */
const runtimeHasNews = 1;
const hasStalled = 2;
/** When listeners are asked again for which there were no descriptors. */
const stallMs = 50;

const mostTakingTurns = 128;

const news = { data: 1, end: 2, closed: 3, writable: 4, accepted: 5, connected: 6, refused: 7 } as const;

/** Hears of the streams that come from one listening socket, or of one that is connected. */
export interface StreamDoor {
  opened(wire: Stream): void;
  closed(wire: Stream): void;
}

/** Hears how a connection comes about. */
export interface StreamDialler {
  connected(wire: Stream): void;
  refused(code: number): void;
}

interface Address {
  readonly address: string;
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
}

/** What names a stream. */
interface Place {
  readonly place: number;
  readonly generation: number;
}

/** A connected socket of our own. */
export class Stream implements Wire {
  data: SocketOwner = noOwner;
  readonly place: number;
  readonly generation: number;
  isOpen = true;
  private readonly streams: Streams;
  private readonly door: StreamDoor | null;
  private local: Address | null = null;
  private remote: Address | null;

  constructor(
    streams: Streams,
    { generation, place }: Place,
    door: StreamDoor | null,
    remote: Address | null,
  ) {
    this.streams = streams;
    this.place = place;
    this.generation = generation;
    this.door = door;
    this.remote = remote;
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (!this.isOpen) return -1;
    if (this.streams.gathers && length <= 4096) {
      this.streams.gather(this.place, this.generation, bytes, offset, length);
      return length;
    }
    this.streams.send();
    return this.streams.calls.writeStream(this.place, this.generation, bytes, offset, length);
  }

  end(): void {
    this.streams.send();
    if (this.isOpen) this.close(false, false);
  }

  terminate(): void {
    if (this.isOpen) this.close(true, false);
  }

  shutdown(): void {
    this.streams.send();
    if (this.isOpen) this.streams.calls.shutStream(this.place, this.generation);
  }

  pause(): void {
    if (this.isOpen) this.streams.calls.pauseStream(this.place, this.generation, true);
  }

  resume(): void {
    if (this.isOpen) this.streams.calls.pauseStream(this.place, this.generation, false);
  }

  /** Closes it; `hasFailed` if the peer has reset it. */
  close(isReset: boolean, hasFailed: boolean): void {
    this.isOpen = false;
    this.streams.forget(this, isReset);
    this.door?.closed(this);
    this.data.closed(hasFailed);
  }

  get remoteAddress(): string {
    return this.peer()?.address ?? "";
  }

  get remotePort(): number {
    return this.peer()?.port ?? 0;
  }

  get localAddress(): string {
    return this.own()?.address ?? "";
  }

  get localPort(): number {
    return this.own()?.port ?? 0;
  }

  get localFamily(): string {
    return this.own()?.family ?? "IPv4";
  }

  getTLSVersion(): null {
    return null;
  }

  getCipher(): undefined {
    return undefined;
  }

  getServername(): null {
    return null;
  }

  private own(): Address | null {
    if (this.isOpen)
      this.local ??= readAddress(this.streams.calls.nameStream(this.place, this.generation, false));
    return this.local;
  }

  private peer(): Address | null {
    if (this.isOpen)
      this.remote ??= readAddress(this.streams.calls.nameStream(this.place, this.generation, true));
    return this.remote;
  }
}

/** A listening socket. */
class Entry {
  readonly door: StreamDoor;
  readonly generation: number;

  constructor(door: StreamDoor, generation: number) {
    this.door = door;
    this.generation = generation;
  }
}

/** All streams of a process. */
export class Streams {
  readonly calls: StreamCalls;
  private readonly log: Log;
  private readonly all: (Stream | Entry | StreamDialler | null)[] = [];
  private readonly table = new Int32Array(headerWords + mostRows * rowWords);
  private readonly fromClients = new ReadMemory(clientBlocks);
  private readonly fromServers = new ReadMemory(serverBlocks);
  gathers = false;
  private readonly every = Number(process.env["EDGE_EVERY"] ?? 32);
  private readonly rows = new Int32Array(4 * 512);
  private readonly memory = Buffer.allocUnsafeSlow(4096 * 512);
  private rowCount = 0;
  private memoryUsed = 0;
  gather(place: number, generation: number, bytes: Uint8Array, offset: number, length: number): void {
    const { rows, memoryUsed } = this;
    const at = this.rowCount * 4;
    rows[at] = place;
    rows[at + 1] = generation;
    rows[at + 2] = memoryUsed;
    rows[at + 3] = length;
    (bytes as Buffer).copy(this.memory, memoryUsed, offset, offset + length);
    this.memoryUsed = memoryUsed + length;
    this.rowCount += 1;
    if (this.rowCount >= this.every) this.send();
  }
  send(): void {
    if (this.rowCount === 0) return;
    const short = this.calls.writeStreams(this.rows, this.memory, this.rowCount);
    this.rowCount = 0;
    this.memoryUsed = 0;
    if (short > 0) console.error("short", short);
  }
  private isRunning = false;
  private isInTurn = false;
  private stalled: Timer | null = null;

  constructor(log: Log) {
    this.log = log;
    this.calls = streamCalls();
    this.calls.openStreams(() => this.woken(), runtimeSet());
    this.calls.armStreams();
  }

  /** Accepts on a listening socket, which belongs to the streams from now on; gives what ends that. */
  listen(fd: number, door: StreamDoor): () => void {
    const name = this.calls.listenStream(fd);
    const [place, generation] = [name % placeCount, Math.trunc(name / placeCount)];
    this.all[place] = new Entry(door, generation);
    return () => {
      this.takeWaiting();
      this.all[place] = null;
      this.calls.closeStream(place, generation, false);
    };
  }

  /** Begins a connection; throws the addon's error if it fails at once. Gives what gives it up. */
  connect({ address, port }: Endpoint, dialler: StreamDialler): void {
    const name = this.calls.connectStream(socketAddress(address, port));
    this.all[name % placeCount] = dialler;
  }

  /** Forgets a stream that is closed. */
  forget({ generation, place }: Stream, isReset: boolean): void {
    this.all[place] = null;
    this.calls.closeStream(place, generation, isReset);
  }

  private woken(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.run();
  }

  /** Lets in who waits for a listener that is about to be closed: another process may have it open, and nobody take them. */
  private takeWaiting(): void {
    // As often as the longest queue takes, for each turn takes some of them.
    for (let turns = 0; turns < mostTakingTurns && !this.isInTurn && this.turn(0) > 0; turns++);
  }

  private readonly run = (): void => {
    const end = performance.now() + sliceMs;
    do {
      if (this.turn(waitMs) === 0) {
        this.isRunning = false;
        this.calls.armStreams();
        return;
      }
      const state = this.table[stateWord] ?? 0;
      if ((state & hasStalled) !== 0) this.askLater();
      if ((state & runtimeHasNews) !== 0) break;
    } while (performance.now() < end);
    setImmediate(this.run);
  };

  /** Waits, and hands out what has happened; gives how many descriptors had news. */
  private turn(ms: number): number {
    const { calls, fromClients, fromServers, table } = this;
    fromClients.begin(table, clientWords);
    fromServers.begin(table, serverWords);
    const count = calls.turn(table, fromClients.bytes, fromServers.bytes, ms);
    fromClients.used(table, clientWords);
    fromServers.used(table, serverWords);
    const rows = table[rowCountWord] ?? 0;
    this.isInTurn = true;
    this.gathers = this.every > 1;
    try {
      for (let at = headerWords, last = headerWords + rows * rowWords; at < last; at += rowWords) {
        this.told(at);
        // As behind each callback of the runtime: what waits for a promise goes on before the next socket is heard.
        drainMicrotasks();
      }
    } finally {
      this.gathers = false;
      this.send();
      this.isInTurn = false;
    }
    return count;
  }

  private askLater(): void {
    if (this.stalled !== null) return;
    this.stalled = setTimeout(() => {
      this.stalled = null;
      this.calls.askStreams();
    }, stallMs);
  }

  private told(at: number): void {
    const { table } = this;
    const place = table[at] ?? 0;
    const generation = table[at + 1] ?? 0;
    const kind = table[at + 2] ?? 0;
    const offset = table[at + 4] ?? 0;
    const length = table[at + 5] ?? 0;
    try {
      if (kind === news.accepted) {
        this.accepted(place, generation, offset, { place: length, generation: table[at + 3] ?? 0 });
        return;
      }
      const one = this.all[place] ?? null;
      if (kind === news.connected || kind === news.refused) {
        this.dialled(place, generation, one as StreamDialler, kind === news.refused ? length : 0);
        return;
      }
      const isData = kind === news.data;
      const memory = table[at + 3] === 1 ? this.fromServers : this.fromClients;
      const bytes = isData ? memory.take(offset, length) : null;
      if (!(one instanceof Stream) || one.generation !== generation) return;
      if (bytes !== null) one.data.received(bytes);
      else if (kind === news.writable) one.data.drained();
      else if (kind === news.end) one.data.ended();
      else one.close(false, length !== 0);
    } catch (error) {
      this.dropped(place, generation, error);
    }
  }

  private accepted(place: number, generation: number, offset: number, listener: Place): void {
    const entry = this.all[listener.place];
    const door = entry instanceof Entry && entry.generation === listener.generation ? entry.door : null;
    const remote = readAddress(this.fromClients.bytes.subarray(offset, offset + 28));
    const stream = new Stream(this, { place, generation }, door, remote);
    this.all[place] = stream;
    if (door === null) stream.terminate();
    else door.opened(stream);
  }

  private dialled(place: number, generation: number, dialler: StreamDialler, failure: number): void {
    if (failure !== 0) {
      this.all[place] = null;
      this.calls.closeStream(place, generation, false);
      dialler.refused(failure);
      return;
    }
    const stream = new Stream(this, { place, generation }, null, null);
    this.all[place] = stream;
    dialler.connected(stream);
  }

  /** Only an owner that threw comes here: one connection is lost, the process goes on. */
  private dropped(place: number, generation: number, error: unknown): void {
    this.log.error(
      `a connection was dropped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    const one = this.all[place];
    if (one instanceof Stream && one.generation === generation) one.terminate();
  }
}

function socketAddress(address: string, port: number): Uint8Array {
  const isV6 = address.includes(":");
  const bytes = new Uint8Array(isV6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isV6 ? 10 : 2, true);
  view.setUint16(2, port, false);
  bytes.set(addressBytes(address), isV6 ? 8 : 4);
  return bytes;
}

function readAddress(bytes: Uint8Array | null): Address | null {
  if (bytes === null) return null;
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (bytes[0] === 2) return { address: addressFromBytes(bytes.subarray(4, 8)), port, family: "IPv4" };
  return { address: addressFromBytes(bytes.subarray(8, 24)), port, family: "IPv6" };
}

/** Begins with sockets of our own; null, with a word in the log, if the addon cannot be had. */
export function openStreams(log: Log): Streams | null {
  if (process.env["EDGE_STREAMS"] === "0") return null;
  try {
    return new Streams(log);
  } catch (error) {
    log.warning(`clear text goes over the runtime's sockets: ${errorText(error)}`);
    return null;
  }
}

/** The descriptor that the runtime waits on: the first set that was made. */
function runtimeSet(): number {
  const sets = readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventpoll]";
      } catch {
        return false;
      }
    });
  return sets.length === 0 ? -1 : Math.min(...sets);
}
