import { readInternetAddress, type SocketAddress } from "../../base/internet-address.ts";
import type { StreamCalls } from "../../native/index.ts";
import { noOwner, type Room, type SocketOwner, type Wire } from "../sockets.ts";
import { longestGathered, type GatheredWrites, type Gathering } from "./gathered-writes.ts";

/** What its owner has left is kept for so long. */
const partingMs = 30_000;

/** Where a stream stands in the table, and which one of those that stood there it is. */
export interface Place {
  readonly place: number;
  readonly generation: number;
}

/** Hears of the streams that come from one listening socket. */
export interface StreamDoor {
  opened(wire: Stream): void;
  /** It is gone. */
  closed(wire: Stream): void;
}

/** What streams have of those they belong to. */
export interface StreamHome {
  readonly calls: StreamCalls;
  readonly writes: GatheredWrites;
  /** Those with bytes that their sockets had no room for, though their owners take them for written. */
  readonly owing: Set<Stream>;
  /** Whether a turn comes soon, with which short writes go out. */
  readonly gathers: boolean;
  /** Forgets a stream and closes its socket. */
  forget(stream: Stream, isReset: boolean): void;
}

/** A connected socket of our own. */
export class Stream implements Wire, Gathering {
  data: SocketOwner = noOwner;
  readonly place: number;
  readonly generation: number;
  /** Whether it has an owner. */
  isOpen = true;
  gathering = 0;
  private readonly home: StreamHome;
  private readonly door: StreamDoor | null;
  private local: SocketAddress | null = null;
  private remote: SocketAddress | null;
  /** What was written and the socket had no room for, as it had for what came before: an extension of the kernel's memory. */
  private rest: Buffer | null = null;
  /** How much of what was taken for written went nowhere, for the connection was lost. */
  private lost = 0;
  private isToShut = false;
  private parting: Timer | null = null;

  constructor(
    home: StreamHome,
    { place, generation }: Place,
    door: StreamDoor | null,
    remote: SocketAddress | null,
  ) {
    this.home = home;
    this.place = place;
    this.generation = generation;
    this.door = door;
    this.remote = remote;
  }

  write(bytes: Buffer, offset: number, length: number): number {
    const { home } = this;
    if (!this.isOpen) return -1;
    if (this.rest !== null) return 0;
    if (length <= longestGathered && home.gathers) {
      home.writes.add(this, bytes, offset, length);
      return length;
    }
    return this.sendsGathered()
      ? home.calls.writeStream(this.place, this.generation, bytes, offset, length)
      : 0;
  }

  room(): Room | null {
    const { home } = this;
    return this.isOpen && this.rest === null && home.gathers ? home.writes.room() : null;
  }

  end(): void {
    if (!this.isOpen) return;
    if (this.sendsGathered()) this.close(false, false);
    else this.part();
  }

  terminate(): void {
    if (!this.isOpen) return;
    this.sendsGathered(); // what there is no room for goes nowhere
    this.close(true, false);
  }

  shutdown(): void {
    if (!this.isOpen) return;
    if (this.sendsGathered()) this.home.calls.shutStream(this.place, this.generation);
    else this.isToShut = true;
  }

  pause(): void {
    if (this.isOpen) this.home.calls.pauseStream(this.place, this.generation, true);
  }

  resume(): void {
    if (this.isOpen) this.home.calls.pauseStream(this.place, this.generation, false);
  }

  /** There is room again. */
  drained(): void {
    if (this.rest !== null && !this.writesRest()) return;
    if (!this.isOpen) {
      this.close(false, false);
      return;
    }
    if (this.isToShut) this.home.calls.shutStream(this.place, this.generation);
    this.isToShut = false;
    this.data.drained();
  }

  fellShort(bytes: Buffer): void {
    this.rest = this.rest === null ? bytes : Buffer.concat([this.rest, bytes]);
    this.home.owing.add(this);
  }

  cameToNothing(length: number): void {
    this.lost += length;
  }

  isQuiet(): boolean {
    return this.isOpen && this.home.calls.isQuietStream(this.place, this.generation);
  }

  unheard(): number {
    if (!this.isOpen) return this.lost;
    this.sendsGathered();
    const waiting = this.rest?.length ?? 0;
    return this.lost + waiting + this.home.calls.unheardStream(this.place, this.generation);
  }

  acknowledged(): number {
    return this.isOpen ? this.home.calls.acknowledgedStream(this.place, this.generation) : -1;
  }

  /** Closes it; `hasFailed` if the peer has reset it. */
  close(isReset: boolean, hasFailed: boolean): void {
    const { data } = this;
    this.sendsGathered(); // or nobody could say that they went nowhere
    this.lost += this.rest?.length ?? 0;
    this.isOpen = false;
    this.owesNothing();
    if (this.parting !== null) clearTimeout(this.parting);
    this.data = noOwner;
    this.home.forget(this, isReset);
    this.door?.closed(this);
    data.closed(hasFailed);
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

  /** Sends what was gathered of it; false if there was no room for all. */
  private sendsGathered(): boolean {
    const { writes } = this.home;
    if (writes.has(this)) writes.send();
    return this.rest === null;
  }

  /** True if nothing is owed any more; what was for a socket that is lost has to go nowhere. */
  private writesRest(): boolean {
    const { rest } = this;
    if (rest === null) return true;
    const sent = this.home.calls.writeStream(this.place, this.generation, rest, 0, rest.length);
    if (sent >= 0 && sent < rest.length) {
      this.rest = rest.subarray(sent);
      return false;
    }
    this.owesNothing();
    return true;
  }

  private owesNothing(): void {
    if (this.rest === null) return;
    this.rest = null;
    this.home.owing.delete(this);
  }

  /** Its owner is done with it, and the peer has yet to take the last bytes. */
  private part(): void {
    const { data } = this;
    this.home.calls.pauseStream(this.place, this.generation, true);
    this.isOpen = false;
    this.data = noOwner;
    this.parting = setTimeout(() => this.close(true, false), partingMs);
    data.closed(false);
  }

  private own(): SocketAddress | null {
    return (this.local ??= this.address(false));
  }

  private peer(): SocketAddress | null {
    return (this.remote ??= this.address(true));
  }

  /** One that is gone has none. */
  private address(isPeer: boolean): SocketAddress | null {
    const bytes = this.isOpen ? this.home.calls.nameStream(this.place, this.generation, isPeer) : null;
    return bytes === null ? null : readInternetAddress(bytes);
  }
}
