import { drainMicrotasks } from "bun:jsc";
import { readdirSync, readlinkSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import type { Endpoint } from "../../base/address.ts";
import { errorText } from "../../base/system-error.ts";
import { internetAddress, readInternetAddress } from "../../base/internet-address.ts";
import type { Log } from "../../base/log.ts";
import { streamCalls, type StreamCalls } from "../../native/index.ts";
import { fieldNames } from "../http1/field-names.ts";
import { foundHeads } from "../http1/found-heads.ts";
import type { SocketOwner, Wire } from "../sockets.ts";
import { GatheredWrites } from "./gathered-writes.ts";
import {
  clientWords,
  hasStalled,
  headerWords,
  news,
  placeCount,
  rowCountWord,
  rowWords,
  runtimeHasNews,
  serverWords,
  stateWord,
} from "./layout.ts";
import { longestShort, ReadMemory } from "./read-memory.ts";
import { Stream, type Place, type StreamDoor, type StreamHome } from "./stream.ts";

/** What clients send is let go of less often, so there is less to go round in. */
const clientBlocks = 4;
/** Servers send more at a time: of 1 MiB, reads of 512 KiB cost half of what those of 128 KiB do. */
const serverBlocks = 16;
const serverBlockBytes = 512 * 1024;
const mostRows = 512;
/** A `sockaddr_in6`, which is the longer one. */
const addressBytes = 28;
/** How long a turn waits itself before it leaves the waiting to the runtime. */
const waitMs = 1;
/** How long turns go on before the runtime has its own. */
const sliceMs = 2;
/** When listeners are asked again for which there were no descriptors. */
const stallMs = 50;
/** As often as the longest queue of a listener takes, for each turn takes some of it. */
const mostTakingTurns = 128;

/** Hears how a connection comes about. */
export interface StreamDialler {
  connected(wire: Wire): void;
  /** With the name of the system's error, such as `ECONNREFUSED`. */
  refused(reason: string): void;
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

/** A socket that is being connected. */
class Attempt {
  readonly dialler: StreamDialler;
  readonly generation: number;

  constructor(dialler: StreamDialler, generation: number) {
    this.dialler = dialler;
    this.generation = generation;
  }
}

/**
 * All sockets of a process that speak in clear text. In turns they are waited for, read and handed out by one call of the addon; while
 * nothing happens a thread of the addon waits, and wakes the runtime's loop.
 */
export class Streams implements StreamHome {
  readonly calls: StreamCalls;
  readonly writes: GatheredWrites;
  readonly owing: Set<Stream> = new Set<Stream>();
  gathers: boolean = false;
  private readonly log: Log;
  private readonly all: (Stream | Entry | Attempt | null)[] = [];
  private readonly table = new Int32Array(new ArrayBuffer(4 * (headerWords + mostRows * rowWords)));
  private readonly fromClients = new ReadMemory(clientBlocks);
  private readonly fromServers = new ReadMemory(serverBlocks, serverBlockBytes);
  /** What the addon reads into now. */
  private lentClients: Buffer | null = null;
  private lentServers: Buffer | null = null;
  private isInTurn = false;
  private isRunning = false;
  private stalled: Timer | null = null;

  constructor(log: Log) {
    this.log = log;
    this.calls = streamCalls();
    this.writes = new GatheredWrites(this.calls, this.table);
    this.calls.openStreams(() => this.woken(), runtimeSet(), Buffer.from(`${fieldNames.join("\n")}\n`));
    this.calls.armStreams();
  }

  /** Accepts on a listening socket, which belongs to the streams from now on; gives what ends that. */
  listen(fd: number, door: StreamDoor): () => void {
    const { place, generation } = placeOf(this.calls.listenStream(fd));
    this.all[place] = new Entry(door, generation);
    return () => {
      this.takeWaiting();
      this.all[place] = null;
      this.calls.closeStream(place, generation, false);
    };
  }

  /** Begins a connection; throws the addon's error if it fails at once. Gives what gives it up. */
  connect(endpoint: Endpoint, dialler: StreamDialler): () => void {
    const { place, generation } = placeOf(this.calls.connectStream(internetAddress(endpoint)));
    const attempt = new Attempt(dialler, generation);
    this.all[place] = attempt;
    return () => {
      if (this.all[place] !== attempt) return;
      this.all[place] = null;
      this.calls.closeStream(place, generation, true);
    };
  }

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
    if (this.isInTurn) return;
    const { gathers } = this;
    this.gathers = true;
    for (let turns = 0; turns < mostTakingTurns && this.turn(0) > 0; turns++);
    this.gathers = gathers;
    this.writes.send();
  }

  private readonly run = (): void => {
    this.gathers = true;
    try {
      if (this.takeTurns()) {
        // What is written until then goes out with the next turn: requests of clients under TLS, say.
        setImmediate(this.run);
        return;
      }
      this.isRunning = false;
    } catch (error) {
      // The kernel refuses to tell what happens: to ask on is all that is left.
      this.log.error(`connections are not heard for a moment: ${errorText(error)}`);
      setTimeout(this.run, stallMs);
    }
    this.gathers = false;
    this.writes.send();
  };

  /** Takes turns until nothing happens, or it is somebody else's; false if who waits for the set wakes us next. */
  private takeTurns(): boolean {
    const end = performance.now() + sliceMs;
    do {
      if (this.turn(waitMs) === 0) {
        this.calls.armStreams();
        return false;
      }
      if (((this.table[stateWord] ?? 0) & runtimeHasNews) !== 0) break;
    } while (performance.now() < end);
    return true;
  }

  /** Writes what was gathered, waits, and hands out what has happened; gives how many descriptors had news. */
  private turn(ms: number): number {
    const { calls, fromClients, fromServers, table, writes } = this;
    fromClients.begin(table, clientWords);
    fromServers.begin(table, serverWords);
    if (fromClients.bytes !== this.lentClients || fromServers.bytes !== this.lentServers) this.lend();
    writes.hand();
    let count = 0;
    try {
      count = calls.turn(ms);
    } finally {
      writes.handed();
    }
    fromClients.used(table, clientWords);
    fromServers.used(table, serverWords);
    if (((table[stateWord] ?? 0) & hasStalled) !== 0) this.askLater();
    const rows = table[rowCountWord] ?? 0;
    this.isInTurn = true;
    try {
      for (let at = headerWords, last = headerWords + rows * rowWords; at < last; at += rowWords) {
        this.told(at);
        // As behind each callback of the runtime: what waits for a promise goes on before the next socket is heard.
        drainMicrotasks();
      }
    } finally {
      this.isInTurn = false;
    }
    return count;
  }

  private lend(): void {
    const { fromClients, fromServers, table, writes } = this;
    this.lentClients = fromClients.bytes;
    this.lentServers = fromServers.bytes;
    this.calls.lendStreams({
      table,
      heads: foundHeads,
      clients: this.lentClients,
      servers: this.lentServers,
      writes: writes.rows,
      gathered: writes.memory,
    });
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
        if (one instanceof Attempt && one.generation === generation)
          this.dialled(place, one, kind === news.refused ? length : 0);
        return;
      }
      // What was closed a moment ago may have sent something before; its bytes were never lent.
      if (!(one instanceof Stream) || one.generation !== generation) return;
      if (kind === news.data) {
        if (one.isOpen) this.tellOf(one.data, at);
      } else if (kind === news.writable) one.drained();
      else if (kind === news.end) one.data.ended();
      else one.close(false, length !== 0);
    } catch (error) {
      this.dropped(place, generation, error);
    }
  }

  private tellOf(owner: SocketOwner, at: number): void {
    const { table } = this;
    const memory = table[at + 3] === 1 ? this.fromServers : this.fromClients;
    const offset = table[at + 4] ?? 0;
    const length = table[at + 5] ?? 0;
    const head = table[at + 6] ?? 0;
    if (length <= longestShort && owner.receivedShort !== undefined)
      owner.receivedShort(memory.takeShort(offset), length, head);
    else owner.received(memory.take(offset, length), head);
  }

  private accepted(place: number, generation: number, offset: number, listener: Place): void {
    const entry = this.all[listener.place];
    const door = entry instanceof Entry && entry.generation === listener.generation ? entry.door : null;
    const remote = readInternetAddress(this.fromClients.bytes.subarray(offset, offset + addressBytes));
    const stream = new Stream(this, { place, generation }, door, remote);
    this.all[place] = stream;
    if (door === null) stream.terminate();
    else door.opened(stream);
  }

  private dialled(place: number, { dialler, generation }: Attempt, failure: number): void {
    if (failure !== 0) {
      this.all[place] = null;
      this.calls.closeStream(place, generation, false);
      dialler.refused(getSystemErrorName(-failure));
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

/** Reads a name as the addon gives it. */
function placeOf(name: number): Place {
  return { place: name % placeCount, generation: Math.trunc(name / placeCount) };
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
