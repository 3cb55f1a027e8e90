import type { ResponseStart } from "../exchange-client.ts";
import type { FieldLine } from "../http1/field-lines.ts";
import { untilCloseBody } from "../http1/request-head.ts";
import type { BodyPiece } from "../upstream-connection.ts";
import { responseDirectives } from "./cache-control.ts";
import { lifetimeOf, type FieldValue } from "./freshness.ts";
import { isStorable } from "./storable.ts";
import {
  statusLineOf,
  storedLines,
  storedResponse,
  valuesOf,
  type Origin,
  type StoredResponse,
} from "./stored-response.ts";

/** A response that is being taken down while it passes. */
export class Recording {
  readonly lines: readonly FieldLine[];
  readonly value: FieldValue;
  private readonly statusLine: string;
  private readonly origin: Origin;
  private readonly pieces: Buffer[] = [];
  private length = 0;

  private constructor(start: ResponseStart, lines: readonly FieldLine[], origin: Origin) {
    this.statusLine = statusLineOf(start);
    this.lines = lines;
    this.value = valuesOf(lines);
    this.origin = origin;
  }

  /** Starts with a head; null if the response may not be stored, or is known to be too large. */
  static of(start: ResponseStart, origin: Origin): Recording | null {
    const { head } = start;
    const { plan, request } = origin;
    // RFC 9111 §3.3: only the end of the connection says where this one ends, and it may have broken off.
    if (head.bodyLength === untilCloseBody || head.bodyLength > plan.maxObjectBytes) return null;
    const lines = storedLines(head, start.fields);
    const value = valuesOf(lines);
    const said = responseDirectives(value("cache-control"));
    const lifetime = lifetimeOf(said, value, plan);
    const fields = { request, response: value };
    return isStorable(head.status, said, lifetime, fields) ? new Recording(start, lines, origin) : null;
  }

  /** Takes a piece down; false if it has become too large. */
  take({ bytes, end, start }: BodyPiece): boolean {
    this.length += end - start;
    if (this.length > this.origin.plan.maxObjectBytes) return false;
    if (end > start) this.pieces.push(Buffer.from(bytes.subarray(start, end)));
    return true;
  }

  /** Gives the whole. */
  finish(): StoredResponse {
    const [only] = this.pieces;
    const body = this.pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.pieces);
    return storedResponse(this.statusLine, this.lines, body, this.origin);
  }
}
