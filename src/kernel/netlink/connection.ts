import { hasCode } from "../../base/system-error.ts";
import { AttributeWriter } from "./attribute-writer.ts";
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
  /** Sends one request, or several; the bytes are others after the call. */
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

/** How requests are made of what is to be done. */
export interface Requests<Change> {
  readonly typeOf: (change: Change) => number;
  /** As those of a request. */
  readonly flagsOf: (change: Change) => number;
  /** Writes the payload, of a multiple of four bytes. */
  readonly write: (writer: AttributeWriter, change: Change) => void;
  /** As that of a request; asked for what is refused, as little is. */
  readonly operationOf: (change: Change) => string;
}

/** Requests that are made already. */
export const madeRequests: Requests<NetlinkRequest> = {
  typeOf: ({ type }) => type,
  flagsOf: ({ flags }) => flags,
  write: (writer, { payload }) => writer.copy(payload),
  operationOf: ({ operation }) => operation,
};

// A dump that another process keeps disturbing is given up, as is a kernel that answers without end.
const dumpAttempts = 8;
const datagramLimit = 100_000;
// The kernel answers a refused request with a datagram of its own, 128 of which fit any receive buffer.
const batchLength = 128;

type Outcome = "finished" | "interrupted";

/** Some of many changes: those from `start` on that stand before `end`. */
interface Batch<Change> {
  readonly changes: readonly Change[];
  readonly start: number;
  readonly end: number;
}

/** Asks the kernel and waits for the whole answer; one request at a time, at most a second each. */
export class NetlinkConnection {
  readonly #port: NetlinkPort;
  readonly #beforeRequest: () => void;
  /** Of one batch at a time. */
  readonly #writer = new AttributeWriter();
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
  batch<Change>(changes: readonly Change[], requests: Requests<Change>): readonly (NetlinkError | null)[] {
    const outcomes = changes.map((): NetlinkError | null => null);
    for (let start = 0; start < changes.length; start += batchLength) {
      const end = Math.min(start + batchLength, changes.length);
      this.#exchangeBatch({ changes, start, end }, requests, outcomes);
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

  #exchangeBatch<Change>(
    { changes, start, end }: Batch<Change>,
    requests: Requests<Change>,
    outcomes: (NetlinkError | null)[],
  ): void {
    const last = end - 1;
    const first = this.#nextSequences(end - start);
    this.#write({ changes, start, end }, requests, first);
    this.#beforeRequest();
    this.#port.send(this.#writer.written);
    for (let count = 0; count < datagramLimit; count++) {
      const datagram = this.#port.receive();
      if (datagram === null) break;
      for (const message of parseMessages(datagram)) {
        const index = start + message.sequence - first;
        const change = index < start || index > last ? undefined : changes[index];
        if (change === undefined || !isLast(message)) continue;
        outcomes[index] = refusalOf(message, () => requests.operationOf(change));
        if (index === last) return;
      }
    }
    const change = changes[last];
    throw new NetlinkError(change === undefined ? "netlink" : requests.operationOf(change), "ETIMEDOUT");
  }

  #write<Change>({ changes, start, end }: Batch<Change>, requests: Requests<Change>, first: number): void {
    const writer = this.#writer;
    // One that could not be written to its end may have left its beginning.
    writer.clear();
    for (let index = start; index < end; index++) {
      const change = changes[index];
      if (change === undefined) continue;
      // Refusals come unasked; that the last one is answered says that all have been carried out.
      const ack = index === end - 1 ? messageFlag.ack : 0;
      const flags = messageFlag.request | ack | requests.flagsOf(change);
      const message = writer.beginMessage(requests.typeOf(change), flags, first + index - start);
      requests.write(writer, change);
      writer.endMessage(message);
    }
  }

  /** Gives the first of so many sequences behind each other. */
  #nextSequences(count: number): number {
    if (this.#sequence + count > 0xffff_ffff) this.#sequence = 0;
    const first = this.#nextSequence();
    this.#sequence += count - 1;
    return first;
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
  return refusalOf(message, () => request.operation);
}

function refusalOf(message: NetlinkMessage, operation: () => string): NetlinkError | null {
  const { errno, text } = parseAcknowledgement(message);
  return errno > 0 ? new NetlinkError(operation(), errnoName(errno), text) : null;
}
