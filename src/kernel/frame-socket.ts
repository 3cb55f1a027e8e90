import * as native from "../native/index.ts";
import { packetAddress } from "./socket-address.ts";
import { AF_PACKET, MSG_DONTWAIT, SOCK_RAW } from "./socket-constants.ts";

/** Sends whole Ethernet frames on any link; receives nothing. */
export class FrameSocket {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a packet socket; needs CAP_NET_RAW. */
  static open(): FrameSocket {
    // Protocol 0: no frame is ever queued for this socket.
    return new FrameSocket(native.open(AF_PACKET, SOCK_RAW, 0));
  }

  /** Sends a frame at once, or throws (`ENETDOWN`, `ENXIO`, `EAGAIN` when the queue is full). */
  send(linkIndex: number, frame: Uint8Array): void {
    const etherType = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
    const destination = packetAddress(linkIndex, etherType, frame.subarray(0, 6));
    native.send(this.#fd, frame, destination, MSG_DONTWAIT);
  }

  close(): void {
    native.close(this.#fd);
  }
}
