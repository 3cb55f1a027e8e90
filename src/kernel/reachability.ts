import { familyOf } from "../base/address.ts";
import { internetAddress } from "../base/internet-address.ts";
import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { echoReply, echoRequest } from "./echo-question.ts";
import {
  answerFilter,
  isAnswer,
  neighbourQuestion,
  questionEtherType,
  type Asker,
} from "./neighbour-question.ts";
import { nameOption, packetAddress } from "./socket-address.ts";
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  MSG_DONTWAIT,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
  SO_BINDTODEVICE,
} from "./socket-constants.ts";

/** Asks one address whether it is there. */
export interface Reachability {
  /** Asks once; throws `SystemError` if the question cannot be sent. */
  ask(): void;
  close(): void;
}

/** A link that a neighbour is asked on, and as whom. */
export interface NeighbourPlace extends Asker {
  readonly linkIndex: number;
}

/** Asks a neighbour by ARP or neighbour solicitation; `answered` is called for each answer to this host. */
export function openNeighbour(place: NeighbourPlace, target: string, answered: () => void): Reachability {
  const etherType = questionEtherType(target);
  const question = neighbourQuestion(place, target);
  const into = new Uint8Array(256);
  const fd = open(AF_PACKET, 0, (descriptor) => {
    // The protocol comes with the name: nothing is queued before the filter holds.
    native.attachFilter(descriptor, answerFilter(target));
    native.bind(descriptor, packetAddress(place.linkIndex, etherType, new Uint8Array(0)));
  });
  receiveOn(fd, into, (length) => {
    if (isAnswer(into.subarray(0, length), place, target)) answered();
  });
  const destination = packetAddress(place.linkIndex, etherType, question.subarray(0, 6));
  return {
    ask: () => void native.send(fd, question, destination, MSG_DONTWAIT),
    close: () => native.close(fd),
  };
}

/** How an address is pinged. */
export interface EchoPlace {
  /** Own address that questions come from; null lets the kernel choose. */
  readonly source: string | null;
  /** Interface they go out through; null goes by the routes. */
  readonly interface: string | null;
}

/** Asks any address by ICMP echo; `answered` is called when the last question is answered. */
export function openEcho(place: EchoPlace, target: string, answered: () => void): Reachability {
  const isV4 = familyOf(target) === 4;
  const into = new Uint8Array(256);
  const identifier = Math.floor(Math.random() * 0x1_0000);
  let sequence = 0;
  const fd = open(isV4 ? AF_INET : AF_INET6, isV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, (descriptor) => {
    if (place.interface !== null) {
      native.setOption(descriptor, SOL_SOCKET, SO_BINDTODEVICE, nameOption(place.interface));
    }
    if (place.source !== null) native.bind(descriptor, internetAddress({ address: place.source, port: 0 }));
    // From now on the kernel gives this socket only what comes from there.
    native.connect(descriptor, internetAddress({ address: target, port: 0 }));
  });
  receiveOn(fd, into, (length) => {
    const mark = echoReply(target, into.subarray(0, length));
    if (mark?.identifier === identifier && mark.sequence === sequence) answered();
  });
  return {
    ask: () => {
      sequence = (sequence + 1) & 0xffff;
      native.send(fd, echoRequest(target, { identifier, sequence }), null, MSG_DONTWAIT);
    },
    close: () => native.close(fd),
  };
}

function open(family: number, protocol: number, prepare: (fd: number) => void): number {
  const fd = native.open(family, SOCK_RAW | SOCK_NONBLOCK, protocol);
  try {
    prepare(fd);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}

// Bounds one wake-up: what is left wakes again, after timers had their turn.
const datagramsPerWake = 32;

function receiveOn(fd: number, into: Uint8Array, react: (length: number) => void): void {
  native.watch(fd, () => {
    for (let count = 0; count < datagramsPerWake; count++) {
      const length = received(fd, into);
      if (length === null) return;
      react(length);
    }
  });
}

/** Errors that wait in a socket, are taken from it by being told, and mean no more than that no answer came. */
const passing = [
  "ENETDOWN",
  "ENETUNREACH",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ECONNREFUSED",
  "ENOPROTOOPT",
  "EPROTO",
  "EMSGSIZE",
  "EACCES",
];

function received(fd: number, into: Uint8Array): number | null {
  try {
    return native.receive(fd, into)?.length ?? null;
  } catch (error) {
    if (hasCode(error, ...passing)) return null;
    throw error;
  }
}
