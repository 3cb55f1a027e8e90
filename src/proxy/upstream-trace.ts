import type { FieldTable } from "./http1/field-table.ts";
import type { BodyPiece } from "./body-piece.ts";

/** What became of one server that was asked. */
interface Try {
  readonly address: string;
  readonly startedAt: number;
  connectedAt: number | null;
  headAt: number | null;
  endedAt: number | null;
  /** 0 while it is not known, and for good where a server never answered. */
  status: number;
  /** Bytes of the request and of the response, as HTTP/1.1 has their heads, and of bodies without what frames them. */
  sentBytes: number;
  headBytes: number;
  bodyBytes: number;
}

/** What is known of a server that was asked beside another. */
export type AskedBeside = Pick<Try, "startedAt" | "connectedAt" | "sentBytes">;

/** Which servers a request was taken to, and when each step was done; kept only where a log format asks for it. */
export class UpstreamTrace {
  /** What the cache has to do with it, in nginx's words; empty if nothing. */
  cacheStatus = "";
  /** Name of the upstream; empty if it came to none. */
  upstream = "";
  /** The head of the last response as it came, or was stored, if that is kept; else empty. */
  head = "";
  private readonly tries: Try[] = [];
  private readonly keepsHead: boolean;
  private readonly now: () => number;

  constructor(keepsHead: boolean, now: () => number = () => performance.now()) {
    this.keepsHead = keepsHead;
    this.now = now;
  }

  /** How many servers were asked. */
  get count(): number {
    return this.tries.length;
  }

  /** A server of an upstream was chosen. */
  began(upstream: string, address: string): void {
    this.ended(502);
    this.upstream = upstream;
    this.tries.push(newTry(address, this.now()));
  }

  /** A server that was asked beside the last one is heard from now on; times are `performance.now()`. */
  joined(address: string, { connectedAt, sentBytes, startedAt }: AskedBeside): void {
    this.tries.push({ ...newTry(address, startedAt), connectedAt, sentBytes });
  }

  /** Servers are asked because what is stored is not enough. */
  asked(cacheStatus: string): void {
    this.cacheStatus = cacheStatus;
  }

  /** What is stored answers. */
  stored(upstream: string, cacheStatus: string, fields: FieldTable): void {
    this.upstream = upstream;
    this.cacheStatus = cacheStatus;
    if (this.keepsHead) this.head = fields.text;
  }

  /** Another server has answered before the last one, which is not heard any more. */
  overtaken(): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.endedAt = this.now();
  }

  /** There is a connection, keys and all. */
  connected(): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.connectedAt = this.now();
  }

  /** So many bytes went to it. */
  sent(bytes: number): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.sentBytes += bytes;
  }

  /** The head of its response has come, whose fields were read last, perhaps with a part of the body. */
  answered(status: number, fields: FieldTable, piece: BodyPiece | null): void {
    const last = this.tries.at(-1);
    if (last === undefined) return;
    last.headAt = this.now();
    last.status = status;
    last.headBytes = fields.length;
    if (this.keepsHead) this.head = fields.text;
    if (piece !== null) this.received(piece);
  }

  /** More of the body has come. */
  received({ end, start }: BodyPiece): void {
    const last = this.tries.at(-1);
    if (last !== undefined) last.bodyBytes += end - start;
  }

  /** Nothing more comes of the last one; `status` counts where it said none. */
  ended(status: number): void {
    const last = this.tries.at(-1);
    if (last === undefined || last.endedAt !== null) return;
    last.endedAt = this.now();
    if (last.status === 0) last.status = status;
  }

  /** The servers, as nginx lists them: `192.0.2.8:80, 192.0.2.9:80`. */
  get addresses(): string {
    return this.tries.map(({ address }) => address).join(", ");
  }

  get statuses(): string {
    return this.tries.map(({ status }) => (status === 0 ? "-" : String(status))).join(", ");
  }

  /** Seconds until there was a connection. */
  get connectTimes(): string {
    return this.seconds(({ connectedAt }) => connectedAt);
  }

  /** Seconds until the head of the response had come. */
  get headerTimes(): string {
    return this.seconds(({ headAt }) => headAt);
  }

  /** Seconds until the response had come, or none was waited for any more. */
  get responseTimes(): string {
    return this.seconds(({ endedAt }) => endedAt);
  }

  get bytesSent(): string {
    return this.tries.map(({ sentBytes }) => String(sentBytes)).join(", ");
  }

  get bytesReceived(): string {
    return this.tries.map(({ bodyBytes, headBytes }) => String(headBytes + bodyBytes)).join(", ");
  }

  /** Bytes of the bodies. */
  get responseLengths(): string {
    return this.tries.map(({ bodyBytes }) => String(bodyBytes)).join(", ");
  }

  /** Seconds from `since` until the first server was chosen. */
  queueTime(since: number): string {
    const first = this.tries[0];
    return first === undefined ? "" : inSeconds(first.startedAt - since);
  }

  private seconds(at: (one: Try) => number | null): string {
    return this.tries
      .map((one) => {
        const time = at(one);
        return time === null ? "-" : inSeconds(time - one.startedAt);
      })
      .join(", ");
  }
}

function newTry(address: string, startedAt: number): Try {
  const unknown = { connectedAt: null, headAt: null, endedAt: null };
  return { address, startedAt, ...unknown, status: 0, sentBytes: 0, headBytes: 0, bodyBytes: 0 };
}

/** Writes milliseconds as seconds with three digits behind the point. */
export function inSeconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
