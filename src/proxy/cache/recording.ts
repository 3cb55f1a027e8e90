import type { ResponseStart } from "../exchange-client.ts";
import { httpDate, isUnchanged } from "../content/conditions.ts";
import type { FieldLine } from "../http1/field-lines.ts";
import { untilCloseBody } from "../http1/request-head.ts";
import type { BodyPiece } from "../body-piece.ts";
import { fileOfBody, wholeBytes } from "./body-file.ts";
import type { DiskWriting } from "./disk/disk-writing.ts";
import { responseDirectives } from "./cache-control.ts";
import { lifetimeOf, type FieldValue, type Lifetime } from "./freshness.ts";
import { unchanged, type FromStore, type Wanted } from "./from-store.ts";
import type { Landing } from "./flights.ts";
import type { RouteCache } from "./route-cache.ts";
import { isStorable } from "./storable.ts";
import {
  statusLineOf,
  storedLines,
  storedResponse,
  valuesOf,
  type Origin,
  type StoredResponse,
} from "./stored-response.ts";

const noBytes = Buffer.alloc(0);

/** What a head says of a response. */
interface Begun {
  readonly lines: readonly FieldLine[];
  readonly value: FieldValue;
  readonly lifetime: Lifetime;
}

/** A response that is being taken down while it passes. */
export class Recording {
  readonly lines: readonly FieldLine[];
  readonly value: FieldValue;
  /** What is stale at once would let those who wait ask one after the other. */
  private readonly isOfUse: boolean;
  private readonly statusLine: string;
  private readonly origin: Origin;
  private readonly cache: RouteCache;
  private readonly pieces: Buffer[] = [];
  private length = 0;
  /** What is too long to be gathered here, on its way to the disk. */
  private writing: DiskWriting | null = null;
  private mayWrite = true;

  private constructor(
    statusLine: string,
    { lifetime, lines, value }: Begun,
    origin: Origin,
    cache: RouteCache,
  ) {
    this.cache = cache;
    this.statusLine = statusLine;
    this.lines = lines;
    this.value = value;
    this.isOfUse = lifetime.freshMs > 0;
    this.origin = origin;
  }

  /** Starts with a head; null if the response may not be stored, or is known to be too large. */
  static of(start: ResponseStart, origin: Origin, cache: RouteCache): Recording | null {
    const { head } = start;
    const { plan, request } = origin;
    // RFC 9111 §3.3: only the end of the connection says where this one ends, and it may have broken off.
    if (head.bodyLength === untilCloseBody || head.bodyLength > plan.maxObjectBytes) return null;
    const lines = storedLines(head, start.fields);
    const value = valuesOf(lines);
    const said = responseDirectives(value("cache-control"));
    const lifetime = lifetimeOf(said, value, plan);
    const fields = { request, response: value };
    return isStorable(head.status, said, lifetime, fields)
      ? new Recording(statusLineOf(start), { lines, value, lifetime }, origin, cache)
      : null;
  }

  /** Makes a 304 of it for a client whose own conditions, which were not passed on, hold for it (RFC 9110 §13.2.2); null if they do not. */
  unchangedFor(wanted: Wanted): FromStore | null {
    const lastModified = this.value("last-modified");
    const lastModifiedMs = lastModified === null ? null : httpDate(lastModified);
    return isUnchanged(wanted, { etag: this.value("etag"), lastModifiedMs }) ? unchanged(this.lines) : null;
  }

  /** Takes a piece down; false if it has become too large, or cannot be kept: then that was the end of it. */
  take({ bytes, end, start }: BodyPiece): boolean {
    this.length += end - start;
    const isKept =
      this.length <= this.origin.plan.maxObjectBytes &&
      (end === start || this.keep(Buffer.from(bytes.subarray(start, end))));
    if (!isKept) this.drop();
    return isKept;
  }

  /** Keeps the whole, and gives it to those who wait, if there is a landing: later, if it goes to a disk. */
  finish(landing: Landing | null): void {
    const { cache, writing } = this;
    if (writing === null) {
      const stored = this.response(this.gathered());
      cache.keep(stored);
      if (this.isOfUse) landing?.end("stored", cache.handed(stored));
      else landing?.end("of no use", null);
      return;
    }
    this.writing = null;
    writing.finish((isStored) => {
      if (isStored && this.isOfUse) this.land(landing);
      else landing?.end("of no use", null);
    });
  }

  /** What is on the disk is opened once for all who wait for it. */
  private land(landing: Landing | null): void {
    const { cache, origin } = this;
    const { plan, request, upstream, url } = origin;
    if (landing === null) return;
    if (cache.disk === null || !landing.isAwaited) {
      landing.end("stored", null);
      return;
    }
    cache.disk.find({ url, source: upstream, value: request, plan }, (found) => {
      landing.end("stored", found);
      if (found !== null) fileOfBody(found.body)?.release();
    });
  }

  /** Lets go of what there is. */
  drop(): void {
    this.writing?.drop();
    this.writing = null;
    this.pieces.length = 0;
  }

  private keep(bytes: Buffer): boolean {
    if (this.writing !== null) return this.writing.append(bytes);
    this.pieces.push(bytes);
    const { disk, store } = this.cache;
    if (disk !== null && this.length <= wholeBytes) return true;
    if (disk !== null && this.mayWrite) this.writing = disk.begin(this.response(noBytes));
    this.mayWrite = false;
    if (this.writing === null) return store.mayHold(this.length);
    const all = this.gathered();
    this.pieces.length = 0;
    return this.writing.append(all);
  }

  private gathered(): Buffer {
    const [only] = this.pieces;
    return this.pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.pieces);
  }

  private response(body: Buffer): StoredResponse {
    return storedResponse(this.statusLine, this.lines, body, this.origin);
  }
}
