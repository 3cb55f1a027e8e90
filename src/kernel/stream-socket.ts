import { formatEndpoint, type Endpoint } from "../base/address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { openTowards, socketAddressOf, type Departure } from "./departure.ts";
import { errnoName } from "./errno-name.ts";
import type { PollSet } from "./poll-set.ts";
import { intOption } from "./socket-address.ts";
import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ERROR,
  SO_LINGER,
  TCP_QUICKACK,
} from "./socket-constants.ts";

/** Bytes are read in pieces of at most this, and never ahead of who asked for them. */
const pieceBytes = 65_536;
const piece = new Uint8Array(pieceBytes);
const mostReadsInARow = 2;
/** struct linger: on, 0 seconds. A close is a reset then. */
const off = intOption(0);
const lingerNot: Uint8Array = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]);

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A TCP connection from the first packet on. Nothing is read before it is asked for, so that a server which pours bytes
 * fills its own buffers and not this process; `reset` ends it in whatever state it is.
 */
export class StreamSocket {
  readonly #set: PollSet;
  readonly #target: Endpoint;
  readonly #fd: number;
  #state: "connecting" | "open" | "closed" = "connecting";
  #connecting: Waiting<void> | null = null;
  #reading: Waiting<Uint8Array | null> | null = null;
  #unsent: Uint8Array[] = [];
  #readsInARow = 0;
  #failure: SystemError | null = null;

  /**
   * Begins to connect; throws `SystemError` if that cannot even be tried. Who speaks first may hold the acknowledgement of
   * the server's answer back until then.
   */
  constructor(set: PollSet, target: Endpoint, leave: Departure & { readonly speaksFirst: boolean }) {
    this.#set = set;
    this.#target = target;
    this.#fd = openTowards(target, SOCK_STREAM, IPPROTO_TCP, leave);
    try {
      // The last packet of the handshake goes out with the first bytes, or not at all if the socket is reset before.
      if (leave.speaksFirst) native.setOption(this.#fd, IPPROTO_TCP, TCP_QUICKACK, off);
      if (native.startConnect(this.#fd, socketAddressOf(target))) this.#state = "open";
      set.add(this.#fd, EPOLLIN | EPOLLOUT, (events) => this.#tell(events));
    } catch (error) {
      set.close(this.#fd);
      throw error instanceof SystemError
        ? new SystemError(error.call, error.code, formatEndpoint(this.#target))
        : error;
    }
  }

  /** Resolves when the connection is there. */
  connected(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#state === "closed") return Promise.reject(this.#aborted());
    if (this.#state === "open") return Promise.resolve();
    return new Promise((resolve, reject) => (this.#connecting = { resolve, reject }));
  }

  /** Gives the next bytes, at most 64 KiB, or null at the end of the stream. One read at a time. */
  read(): Promise<Uint8Array | null> {
    // Answers at hand come before all timers and other sockets: a server that pours would have this process to itself.
    if (this.#readsInARow >= mostReadsInARow) {
      this.#readsInARow = 0;
      return new Promise((resolve) => setImmediate(() => resolve(this.read())));
    }
    this.#readsInARow += 1;
    try {
      const bytes = this.#take();
      if (bytes !== undefined) return Promise.resolve(bytes);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#readsInARow = 0;
    return new Promise((resolve, reject) => (this.#reading = { resolve, reject }));
  }

  /** Sends bytes, in order; what the kernel does not take now follows later. A failure shows in the next read. */
  write(bytes: Uint8Array): void {
    if (this.#failure !== null || this.#state === "closed") return;
    this.#unsent.push(bytes);
    if (this.#unsent.length === 1) this.#flush();
  }

  /** Ends the connection in an orderly way. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#set.close(this.#fd);
    if (this.#connecting !== null || this.#reading !== null) this.#fail(this.#aborted());
  }

  /** Ends the connection at once, so that nothing of it lives on in the kernel. */
  reset(): void {
    if (this.#state === "closed") return;
    native.setOption(this.#fd, SOL_SOCKET, SO_LINGER, lingerNot);
    this.close();
  }

  /** An error is made only for who sees it: with its stack it costs more than the closing. */
  #aborted(): SystemError {
    return new SystemError("recv", "ECONNABORTED", formatEndpoint(this.#target));
  }

  #tell(events: number): void {
    if (this.#state === "connecting") this.#finishConnect();
    if (this.#state !== "open") return;
    if ((events & EPOLLOUT) !== 0 && this.#unsent.length > 0) this.#flush();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) !== 0) this.#serveReader();
  }

  #finishConnect(): void {
    const value = native.getOption(this.#fd, SOL_SOCKET, SO_ERROR, 4);
    const number = new DataView(value.buffer).getInt32(0, true);
    if (number !== 0)
      return this.#fail(new SystemError("connect", errnoName(number), formatEndpoint(this.#target)));
    this.#state = "open";
    this.#connecting?.resolve();
    this.#connecting = null;
  }

  #serveReader(): void {
    const reading = this.#reading;
    if (reading === null) return;
    try {
      const bytes = this.#take();
      if (bytes === undefined) return;
      this.#reading = null;
      reading.resolve(bytes);
    } catch (error) {
      this.#reading = null;
      reading.reject(error);
    }
  }

  /** Undefined if there is nothing now. */
  #take(): Uint8Array | null | undefined {
    if (this.#failure !== null) throw this.#failure;
    if (this.#state === "closed") throw this.#aborted();
    if (this.#state !== "open") return undefined;
    const length = native.read(this.#fd, piece);
    if (length < 0) return undefined;
    return length === 0 ? null : piece.slice(0, length);
  }

  #flush(): void {
    if (this.#state !== "open") return;
    for (let first = this.#unsent[0]; first !== undefined; first = this.#unsent[0]) {
      const sent = this.#send(first);
      if (sent < 0) return;
      if (sent < first.length) this.#unsent[0] = first.subarray(sent);
      else this.#unsent.shift();
    }
  }

  #send(bytes: Uint8Array): number {
    try {
      return native.send(this.#fd, bytes, null, MSG_DONTWAIT);
    } catch (error) {
      if (error instanceof SystemError && error.code === "EAGAIN") return -1;
      // The reason is in the stream: a reader finds what the server said before it hung up, and then its end.
      this.#unsent = [];
      return -1;
    }
  }

  #fail(error: SystemError): void {
    this.#failure ??= error;
    const { failure, connecting, reading } = {
      failure: this.#failure,
      connecting: this.#connecting,
      reading: this.#reading,
    };
    this.#connecting = null;
    this.#reading = null;
    connecting?.reject(failure);
    reading?.reject(failure);
  }
}
