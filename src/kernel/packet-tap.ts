import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { readFrames } from "./frame-loop.ts";
import { intOption, packetAddress } from "./socket-address.ts";
import {
  AF_PACKET,
  MSG_DONTWAIT,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVBUF,
} from "./socket-constants.ts";

/** What a tap takes. */
export interface TapOptions {
  readonly linkIndex: number;
  /** EtherType of the frames; null is all, outgoing ones included. */
  readonly etherType: number | null;
  /** Classic BPF program, see packet-filter.ts. */
  readonly filter: Uint8Array;
}

/** ETH_P_ALL. */
const everything = 0x0003;
const frameLength = 2_048;
const receiveBufferLength = 64 * 1024;
// Bounds one wake-up, so that a flood leaves room for timers.
const framesPerWake = 32;

/** Listens to frames on one link that are not meant for this process, and may send some of its own. */
export class PacketTap {
  readonly #fd: number;
  readonly #linkIndex: number;
  readonly #into = new Uint8Array(frameLength);
  #isOpen = true;

  private constructor(fd: number, linkIndex: number) {
    this.#fd = fd;
    this.#linkIndex = linkIndex;
  }

  /** Opens a packet socket; needs CAP_NET_RAW. */
  static open({ linkIndex, etherType, filter }: TapOptions): PacketTap {
    // Protocol 0: nothing is queued before the filter is there and the socket is bound.
    const fd = native.open(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    try {
      native.setOption(fd, SOL_SOCKET, SO_RCVBUF, intOption(receiveBufferLength));
      native.attachFilter(fd, filter);
      native.bind(fd, packetAddress(linkIndex, etherType ?? everything, new Uint8Array(0)));
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new PacketTap(fd, linkIndex);
  }

  /** Sets the one receiver of frames; an error of the socket itself (the interface went away) goes to `fail`. */
  onFrame(react: (frame: Uint8Array) => void, fail: (error: unknown) => void): void {
    readFrames(this.#fd, framesPerWake, () => (this.#isOpen ? this.#receive(fail) : null), react);
  }

  /** Replaces the filter, with no moment without one. */
  setFilter(filter: Uint8Array): void {
    native.attachFilter(this.#fd, filter);
  }

  /** Sends a whole frame; throws `SystemError`. */
  send(frame: Uint8Array): void {
    const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
    const destination = packetAddress(this.#linkIndex, etherType, frame.subarray(0, 6));
    native.send(this.#fd, frame, destination, MSG_DONTWAIT);
  }

  /** Closes the socket; no frame is delivered afterwards. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    native.close(this.#fd);
  }

  #receive(fail: (error: unknown) => void): Uint8Array | null {
    try {
      const received = native.receive(this.#fd, this.#into);
      return received === null ? null : this.#into.slice(0, Math.min(received.length, frameLength));
    } catch (error) {
      // An interface that went down says so once; anything else would say so again and again.
      if (!hasCode(error, "ENETDOWN")) native.unwatch(this.#fd);
      fail(error);
      return null;
    }
  }
}
