import { hasCode } from "../../base/system-error.ts";
import { errnoName } from "./errno.ts";
import {
  encodeMessage,
  encodeMessages,
  messageFlag,
  messageType,
  parseAcknowledgement,
  parseMessages,
  type NetlinkMessage,
} from "./message.ts";
import { NetlinkError } from "./netlink-error.ts";

/** A netlink socket as the connection sees it; tests put literal bytes behind it. */
export interface NetlinkPort {
  /** Sends one request. */
  send(request: Uint8Array): void;
  /** Waits for the next datagram from the kernel; null if none came in time. */
  receive(): Uint8Array | null;
  close(): void;
}

/** One request to the kernel. */
export interface NetlinkRequest {
  /** For errors: what is asked and about what, such as `RTM_NEWADDR 192.0.2.1/32`. */
  readonly operation: string;
  readonly type: number;
  /** Flags besides NLM_F_REQUEST, NLM_F_ACK and NLM_F_DUMP. */
  readonly flags: number;
  readonly payload: Uint8Array;
}

// A dump that another process keeps disturbing is given up, as is a kernel that answers without end.
const dumpAttempts = 8;
const datagramLimit = 100_000;
// The kernel answers a refused request with a datagram of its own, 128 of which fit any receive buffer.
const batchLength = 128;

type Outcome = "finished" | "interrupted";

/** Asks the kernel and waits for the whole answer; one request at a time, at most a second each. */
export class NetlinkConnection {
  readonly #port: NetlinkPort;
  readonly #beforeRequest: () => void;
  #sequence = 0;

  /** `beforeRequest` is called for every datagram that goes to the kernel: of long work, each is a step. */
  constructor(port: NetlinkPort, beforeRequest: () => void = () => undefined) {
    this.#port = port;
    this.#beforeRequest = beforeRequest;
  }

  /** Carries out a change or asks for one thing; gives what came before the acknowledgement. */
  request(request: NetlinkRequest): NetlinkMessage[] {
    const replies: NetlinkMessage[] = [];
    this.#exchange(request, messageFlag.ack, replies);
    return replies;
  }

  /**
   * Carries out many changes in their order, many in each datagram; gives for each why it was refused, or null.
   * One refusal does not keep the others from being carried out.
   */
  batch(requests: readonly NetlinkRequest[]): readonly (NetlinkError | null)[] {
    const outcomes: (NetlinkError | null)[] = [];
    for (let start = 0; start < requests.length; start += batchLength) {
      outcomes.push(...this.#exchangeBatch(requests.slice(start, start + batchLength)));
    }
    return outcomes;
  }

  /**
   * Carries out all of the requests, or none: `begin` and `end` frame them on their way to a kernel that knows such
   * transactions (nf_tables). Throws the first refusal.
   */
  transact(begin: NetlinkRequest, requests: readonly NetlinkRequest[], end: NetlinkRequest): void {
    const bySequence = new Map<number, NetlinkRequest>();
    const framed = [begin, ...requests, end].map((request) => {
      const sequence = this.#nextSequence();
      bySequence.set(sequence, request);
      const isFrame = request === begin || request === end;
      const flags = messageFlag.request | (isFrame ? 0 : messageFlag.ack) | request.flags;
      return { type: request.type, flags, sequence, port: 0, payload: request.payload };
    });
    const last = requests.at(-1);
    if (last === undefined) return;
    this.#beforeRequest();
    this.#port.send(encodeMessages(framed));
    let refused: NetlinkError | null = null;
    for (let count = 0; count < datagramLimit; count++) {
      const datagram = this.#port.receive();
      if (datagram === null) break;
      for (const message of parseMessages(datagram)) {
        const request = bySequence.get(message.sequence);
        if (request === undefined || message.type !== messageType.error) continue;
        refused ??= refusal(request, message);
        // The frame is answered only to refuse the whole: then nothing else is.
        if (refused !== null && (request === begin || request === last)) throw refused;
        if (request === last) return;
      }
    }
    throw refused ?? new NetlinkError(last.operation, "ETIMEDOUT");
  }

  /** Asks for a list; begins again while it is disturbed by changes made during the dump. */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 0; attempt < dumpAttempts; attempt++) {
      const replies: NetlinkMessage[] = [];
      if (this.#tryDump(request, replies) === "finished") return replies;
    }
    throw new NetlinkError(request.operation, "EINTR", "the table changed during every attempt to read it");
  }

  close(): void {
    this.#port.close();
  }

  #tryDump(request: NetlinkRequest, replies: NetlinkMessage[]): Outcome {
    try {
      return this.#exchange(request, messageFlag.dump, replies);
    } catch (error) {
      // netlink(7): replies were lost for want of buffer space. The rest of the old dump is told by its sequence.
      if (hasCode(error, "ENOBUFS")) return "interrupted";
      throw error;
    }
  }

  #exchange(request: NetlinkRequest, flags: number, replies: NetlinkMessage[]): Outcome {
    const sequence = this.#nextSequence();
    this.#beforeRequest();
    this.#port.send(
      encodeMessage({
        type: request.type,
        flags: messageFlag.request | flags | request.flags,
        sequence,
        port: 0,
        payload: request.payload,
      }),
    );
    let isInterrupted = false;
    for (let count = 0; count < datagramLimit; count++) {
      const datagram = this.#port.receive();
      if (datagram === null) break;
      for (const message of parseMessages(datagram)) {
        // An answer to an earlier request that was given up.
        if (message.sequence !== sequence) continue;
        isInterrupted ||= (message.flags & messageFlag.dumpInterrupted) !== 0;
        if (isLast(message)) {
          refuse(request, message);
          return isInterrupted ? "interrupted" : "finished";
        }
        if (message.type !== messageType.noop) replies.push(message);
      }
    }
    throw new NetlinkError(request.operation, "ETIMEDOUT");
  }

  #exchangeBatch(requests: readonly NetlinkRequest[]): (NetlinkError | null)[] {
    const outcomes = requests.map((): NetlinkError | null => null);
    const bySequence = new Map<number, number>();
    const last = requests.length - 1;
    const messages = requests.map(({ type, flags, payload }, index) => {
      const sequence = this.#nextSequence();
      bySequence.set(sequence, index);
      // Refusals come unasked; that the last one is answered says that all have been carried out.
      const ack = index === last ? messageFlag.ack : 0;
      return { type, flags: messageFlag.request | ack | flags, sequence, port: 0, payload };
    });
    this.#beforeRequest();
    this.#port.send(encodeMessages(messages));
    for (let count = 0; count < datagramLimit; count++) {
      const datagram = this.#port.receive();
      if (datagram === null) break;
      for (const message of parseMessages(datagram)) {
        const index = bySequence.get(message.sequence);
        const request = requests[index ?? -1];
        if (index === undefined || request === undefined || !isLast(message)) continue;
        outcomes[index] = refusal(request, message);
        if (index === last) return outcomes;
      }
    }
    throw new NetlinkError(requests[last]?.operation ?? "netlink", "ETIMEDOUT");
  }

  #nextSequence(): number {
    // 0 is what the kernel's own notifications carry.
    this.#sequence = this.#sequence >= 0xffff_ffff ? 1 : this.#sequence + 1;
    return this.#sequence;
  }
}

function isLast(message: NetlinkMessage): boolean {
  return message.type === messageType.done || message.type === messageType.error;
}

function refuse(request: NetlinkRequest, message: NetlinkMessage): void {
  const found = refusal(request, message);
  if (found !== null) throw found;
}

function refusal(request: NetlinkRequest, message: NetlinkMessage): NetlinkError | null {
  const { errno, text } = parseAcknowledgement(message);
  return errno > 0 ? new NetlinkError(request.operation, errnoName(errno), text) : null;
}
