import { familyOf } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import * as native from "../native/index.ts";
import { configureSpeaker, type RawMulticastOptions } from "./multicast-options.ts";
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_NONBLOCK, SOCK_RAW } from "./socket-constants.ts";

/** A raw socket that sends to one multicast group through one interface, under an address that another one has. */
export class RawSpeaker {
  readonly #fd: number;
  readonly #group: Uint8Array;

  private constructor(fd: number, { group, link }: RawMulticastOptions) {
    this.#fd = fd;
    this.#group = internetAddress({ address: group, port: 0 }, link.index);
  }

  /** Opens the socket; needs CAP_NET_RAW. */
  static open(options: RawMulticastOptions): RawSpeaker {
    const domain = familyOf(options.group) === 4 ? AF_INET : AF_INET6;
    const fd = native.open(domain, SOCK_RAW | SOCK_NONBLOCK, options.protocol);
    try {
      configureSpeaker(fd, options);
    } catch (error) {
      native.close(fd);
      throw error;
    }
    return new RawSpeaker(fd, options);
  }

  /** Sends a payload to the group; the kernel writes the IP header. Throws `ENETDOWN` and the like. */
  send(payload: Uint8Array): void {
    native.send(this.#fd, payload, this.#group, MSG_DONTWAIT);
  }

  close(): void {
    native.close(this.#fd);
  }
}
