import { formatEndpoint, type Endpoint } from "../base/address.ts";
import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { openTowards, socketAddressOf, type Departure } from "./departure.ts";
import type { PollSet } from "./poll-set.ts";
import { EPOLLIN, MSG_DONTWAIT } from "./socket-constants.ts";

/** What travels: UDP, or ICMP through a raw socket. */
export interface DatagramKind {
  readonly type: number;
  readonly protocol: number;
}

const mostBytes = 65_536;
const into = new Uint8Array(mostBytes);
/** After so many datagrams without a pause others have their turn. */
const mostInARow = 16;

/** Datagrams to one address and back; what comes from elsewhere is not seen, what ICMP says of them is. */
export class DatagramSocket {
  readonly #set: PollSet;
  readonly #fd: number;
  readonly #about: string;
  #isOpen = true;
  #inARow = 0;
  #waiting: {
    readonly resolve: (bytes: Uint8Array) => void;
    readonly reject: (error: unknown) => void;
  } | null = null;

  /** Throws `SystemError`. */
  constructor(set: PollSet, target: Endpoint, leave: Departure & DatagramKind) {
    this.#set = set;
    this.#about = formatEndpoint(target);
    this.#fd = openTowards(target, leave.type, leave.protocol, leave);
    try {
      native.connect(this.#fd, socketAddressOf(target));
      set.add(this.#fd, EPOLLIN, () => this.#serve());
    } catch (error) {
      set.close(this.#fd);
      throw error;
    }
  }

  /** Sends one datagram; throws `SystemError`. */
  send(bytes: Uint8Array): void {
    native.send(this.#fd, bytes, null, MSG_DONTWAIT);
  }

  /** Gives the next datagram; throws `SystemError` with what ICMP said, such as `ECONNREFUSED`. */
  receive(): Promise<Uint8Array> {
    if (!this.#isOpen) return Promise.reject(new SystemError("recv", "ECONNABORTED", this.#about));
    if (this.#inARow >= mostInARow) {
      this.#inARow = 0;
      return new Promise((resolve) => {
        setImmediate(() => resolve(this.receive()));
      });
    }
    this.#inARow += 1;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#serve();
    });
  }

  /** Ends it; who still waits is told `ECONNABORTED`. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#set.close(this.#fd);
    this.#waiting?.reject(new SystemError("recv", "ECONNABORTED", this.#about));
    this.#waiting = null;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === null || !this.#isOpen) return;
    try {
      const received = native.receive(this.#fd, into);
      if (received === null) return;
      this.#waiting = null;
      waiting.resolve(into.slice(0, received.length));
    } catch (error) {
      this.#waiting = null;
      waiting.reject(error);
    }
  }
}
