import type { Engine } from "../engine.ts";
import { SentHead } from "../sent-head.ts";
import { Exchange } from "../exchange.ts";
import type { ExchangeClient, ResponseStart } from "../exchange-client.ts";
import type { Route } from "../snapshot.ts";
import type { BodyPiece } from "../body-piece.ts";
import { fileOfBody } from "./body-file.ts";
import { askingHead } from "./cached-request.ts";
import type { FieldValue } from "./freshness.ts";
import { Recording } from "./recording.ts";
import type { RouteCache } from "./route-cache.ts";
import {
  ageOf,
  comingNow,
  freshened,
  storedLines,
  type Origin,
  type StoredResponse,
} from "./stored-response.ts";

type ExchangeOptions = ConstructorParameters<typeof Exchange>[0];

/** What is asked for anew, and by the values of which request. */
interface Refreshed {
  readonly key: string;
  readonly stale: StoredResponse;
  readonly value: FieldValue;
}

/** Asks for a stale response anew while clients are shown the old one (RFC 5861 §3); nothing happens if somebody does already. */
export function refresh(o: ExchangeOptions, cache: RouteCache, what: Refreshed): void {
  if (cache.flights.has(what.key)) return;
  cache.flights.begin(what.key);
  new Refresh(o, cache, what).start();
}

/** An exchange without a client. */
class Refresh implements ExchangeClient {
  readonly isBlocked = false;
  private readonly engine: Engine;
  private readonly cache: RouteCache;
  private readonly what: Refreshed;
  private readonly exchange: Exchange;
  private readonly route: Route;
  private readonly askedAt = performance.now();
  private recording: Recording | null = null;
  /** What was found unchanged. */
  private unchanged: StoredResponse | null = null;
  /** Whether the whole answer came, and ends the flight as soon as others can have it. */
  private isLanding = false;

  constructor(o: ExchangeOptions, cache: RouteCache, what: Refreshed) {
    this.engine = o.engine;
    this.route = o.route;
    this.cache = cache;
    this.what = what;
    const sentHead = SentHead.ofText(askingHead(o.sentHead.text, what.stale));
    this.exchange = new Exchange({ ...o, client: this, sink: this, sentHead });
  }

  start(): void {
    fileOfBody(this.what.stale.body)?.hold();
    this.engine.sweep.add(this);
    this.exchange.begin(this.route);
  }

  sweep(now: number): void {
    this.exchange.sweep(now);
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { cache } = this;
    const { stale } = this.what;
    if (start.head.status === 304) {
      this.unchanged = freshened(stale, storedLines(start.head, start.fields), this.origin(start));
      cache.keepUnchanged(this.unchanged);
    } else {
      this.recording = Recording.of(start, this.origin(start), cache);
      if (this.recording === null && start.head.status < 500) cache.forget(stale);
      this.take(piece, isLast);
    }
    return true;
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    this.take(piece, isLast);
    return true;
  }

  exchangeDone(): void {
    this.end();
  }

  answerWith(): void {
    this.end();
  }

  abort(): void {
    this.end();
  }

  sendInterim(): void {
    // Nobody waits for it.
  }

  sendContinue(): void {
    // There is no body.
  }

  takeBody(): null {
    return null;
  }

  isBodyDone(): boolean {
    return true;
  }

  isBodyTouched(): boolean {
    return false;
  }

  pauseReading(): void {
    // There is nothing to read.
  }

  resumeReading(): void {
    // There is nothing to read.
  }

  openTunnel(): boolean {
    return false;
  }

  private origin(start: ResponseStart): Origin {
    const { askedAt, cache, what } = this;
    const { upstream, url } = what.stale;
    return comingNow({ url, upstream, plan: cache.plan, request: what.value, age: ageOf(start) }, askedAt);
  }

  private take(piece: BodyPiece, isLast: boolean): void {
    const { recording } = this;
    if (recording?.take(piece) !== true) {
      this.recording = null;
    } else if (isLast) {
      this.recording = null;
      this.isLanding = true;
      recording.finish(this.cache.flights.landing(this.what.key));
    }
  }

  private end(): void {
    this.engine.sweep.remove(this);
    this.recording?.drop();
    if (!this.isLanding) this.endFlight();
    fileOfBody(this.what.stale.body)?.release();
  }

  private endFlight(): void {
    const { cache, unchanged } = this;
    const found = unchanged === null ? null : cache.handed(unchanged);
    cache.flights.end(this.what.key, found === null ? "failed" : "stored", performance.now(), found);
  }
}
