import { Exchange } from "../exchange.ts";
import type { ExchangeClient, ResponseStart } from "../exchange-client.ts";
import { isUnchanged, httpDate } from "../content/conditions.ts";
import { afterWaits } from "../admission/gate.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { Waiting } from "../decide.ts";
import { ownAnswer } from "../own-answer.ts";
import type { Route } from "../snapshot.ts";
import type { OpenExchange } from "../open-exchange.ts";
import { anyKey, type RequestKey } from "../request-key.ts";
import type { RequestView } from "../request-view.ts";
import type { BodyPiece } from "../upstream-connection.ts";
import { AskingClient } from "./asking-client.ts";
import { askingHead, keptValues, type CachedRequest } from "./cached-request.ts";
import type { FlightEnd, Waiter } from "./flights.ts";
import { mayReplaceError, usability, type FieldValue } from "./freshness.ts";
import { fromStore, unchanged, type FromStore } from "./from-store.ts";
import { Recording } from "./recording.ts";
import { refresh } from "./refresh.ts";
import type { RouteCache } from "./route-cache.ts";
import { comingNow, freshened, storedLines, type Origin, type StoredResponse } from "./stored-response.ts";

/** What an exchange needs, but for the head that goes to the server: that is written only if it has to. */
export type CachedOptions = Omit<ConstructorParameters<typeof Exchange>[0], "headText" | "key">;

/** A request while its fields are there. */
export interface AtHand {
  readonly view: RequestView;
  /** Writes the head that goes to the server. */
  readonly headText: () => string;
}

/** What X-Cache says of where an answer came from. */
type Source = "HIT" | "MISS" | "EXPIRED" | "REVALIDATED" | "STALE" | "BYPASS";

const never = Number.POSITIVE_INFINITY;
/** RFC 5861 §4. */
const serverErrors: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/**
 * One request and its response, by way of the cache (RFC 9111 §4). It stands between the client and the exchange with a
 * server, if there has to be one, and is to each of them what the other would be:
 *
 *     look ── fresh ─────────────────────────────► answer from the store
 *      │ └─── another fetches it ──► wait ──► look again, or after a time ask the server, too
 *      └ ask the server ── 304 ──────────────────► answer from the store, made fresh
 *                       ├─ error, stale is allowed ► answer from the store, stale
 *                       └─ else pass it on, and take it down if it may be stored
 */
export class CachedExchange extends AskingClient implements ExchangeClient, OpenExchange, Waiter {
  private readonly o: CachedOptions;
  private readonly cache: RouteCache;
  private readonly request: CachedRequest;
  /** Null once all that will be needed of it was taken out. */
  private atHand: AtHand | null;
  private value: FieldValue;
  private headText = "";
  /** The upstream, and what it is asked for if that is not what the client wrote. */
  private readonly source: string;
  private requestKey: RequestKey = anyKey;
  private inner: Exchange | null = null;
  private stale: StoredResponse | null = null;
  /** What the disk had, which may be too large for the memory. */
  private fromDisk: StoredResponse | null = null;
  private recording: Recording | null = null;
  private leads = false;
  /** Whether a disk has been asked, or need not be. */
  private hasLooked: boolean;
  private waitUntil = never;
  private askedAt = 0;
  /** Status of the answer if it is one of ours: what the server says goes nowhere then. */
  private answered = 0;
  private isDone = false;

  constructor(o: CachedOptions, cache: RouteCache, request: CachedRequest, atHand: AtHand) {
    super(o.client, o.sink);
    this.o = o;
    this.cache = cache;
    this.request = request;
    const { view } = atHand;
    this.atHand = atHand;
    const { target } = view;
    this.hasLooked = cache.disk === null;
    this.source = target === o.head.target ? cache.upstream : `${cache.upstream} ${target}`;
    this.value = (name) => view.value(name);
  }

  begin(decision: Route | Waiting): void {
    if (!("waits" in decision)) {
      this.start();
      return;
    }
    this.keepRequest();
    afterWaits(decision.waits, {
      isGone: () => this.isDone,
      pass: () => this.start(),
      answerWith: (answer) => this.answerOwn(answer),
    });
  }

  private start(): void {
    const { cache, request } = this;
    const found = this.find();
    const now = performance.now();
    const use = found === null ? "ask" : usability(found.lifetime, now - found.bornAt, request.asked);
    if (found !== null && use === "fresh") {
      cache.disk?.used(found, now);
      this.answerFrom(found, "HIT");
      this.finish(this.answered);
      return;
    }
    this.keepRequest();
    if (found !== null && use === "while-revalidating") this.answerMeanwhile(found);
    else if (!this.joins()) {
      // What was of no use to others a moment ago is on no disk either.
      if (this.hasLooked || cache.flights.isApart(this.key, now)) this.fetch(found);
      else this.look();
    }
  }

  /** Shows a stale answer while it is asked for anew (RFC 5861 §3). */
  private answerMeanwhile(stale: StoredResponse): void {
    const { cache, headText, key, requestKey, value } = this;
    this.answerFrom(stale, "STALE");
    this.endFlight("stored");
    refresh({ ...this.o, trace: null, headText, key: requestKey }, cache, { key, stale, value });
    this.finish(this.answered);
  }

  /** Waits for somebody else's answer, if there is one under way. */
  private joins(): boolean {
    const { cache, key } = this;
    const { asked, wanted } = this.request;
    if (this.leads || asked.onlyIfCached || wanted.isHead || !cache.flights.has(key)) return false;
    if (wanted.range !== null && this.hasLooked && this.find() === null) return false;
    this.waitUntil = this.o.engine.sweep.after(cache.plan.lockTimeoutMs);
    cache.flights.join(key, this);
    return true;
  }

  /** Looks on the disk, while others who want the same wait for what is found there. */
  private look(): void {
    const { cache, key, request, source, value } = this;
    this.hasLooked = true;
    this.leads = !request.wanted.isHead && !cache.flights.has(key);
    if (this.leads) cache.flights.begin(key);
    cache.disk?.find({ url: request.url, source, value, plan: cache.plan }, (entry) => {
      if (this.isDone) return;
      this.fromDisk = entry;
      const isShared = entry !== null && cache.store.put(entry);
      this.start();
      if (this.answered > 0) this.endFlight(isShared ? "stored" : "failed");
    });
  }

  /** Asks the server, about what is stale if there is something. */
  private fetch(stale: StoredResponse | null): void {
    const { cache, request } = this;
    if (request.asked.onlyIfCached) {
      this.endFlight("failed");
      this.answerOwn(plainAnswer(504)); // RFC 9111 §5.2.1.7
    } else if (request.wanted.isHead || (request.wanted.range !== null && stale === null)) {
      this.endFlight("failed");
      this.ask(this.headText);
    } else {
      this.lead(stale, this.leads || !cache.flights.isApart(this.key, performance.now()));
    }
  }

  wake(): void {
    if (this.isDone) return;
    this.waitUntil = never;
    this.start();
  }

  get hasBegun(): boolean {
    return this.answered > 0 || this.inner?.hasBegun === true;
  }

  get isWaiting(): boolean {
    return this.inner?.isWaiting === true;
  }

  bodyArrivedFromClient(): void {
    this.inner?.bodyArrivedFromClient();
  }

  get isAwaitingBody(): boolean {
    return this.inner?.isAwaitingBody === true;
  }

  clientDrained(): void {
    this.inner?.clientDrained();
  }

  cancel(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.inner?.cancel();
    this.cache.flights.leave(this.key, this);
    this.endFlight("failed");
  }

  refuse(status: number): void {
    const { hasBegun } = this;
    this.cancel();
    if (hasBegun) this.client.abort(status, false);
    else this.answerOwn(plainAnswer(status));
  }

  sweep(now: number): void {
    if (now >= this.waitUntil) {
      this.waitUntil = never;
      this.cache.flights.leave(this.key, this);
      this.lead(this.find(), false);
    } else {
      this.inner?.sweep(now);
    }
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { status } = start.head;
    const { stale } = this;
    if (stale !== null && status === 304) return this.revalidated(stale, start);
    if (stale !== null && serverErrors.has(status) && this.replacesError(stale)) {
      this.endFlight("failed");
      return this.answerFrom(stale, "STALE");
    }
    const isWhole = this.waitsForWhole;
    this.recording = isWhole ? Recording.of(start, this.origin(ageOf(start))) : null;
    if (this.recording === null && isWhole) {
      // RFC 9111 §4.3.3: a full answer replaces the stored one even where it cannot be stored itself.
      if (stale !== null && status < 500) this.cache.forget(stale);
      this.endFlight(status < 500 ? "of no use" : "failed");
    }
    const own = this.ownAnswer();
    this.take(piece, isLast);
    const source = isWhole ? (stale === null ? "MISS" : "EXPIRED") : "BYPASS";
    if (own !== null) return this.send(own, start.rules.added, source);
    const rules = { removed: start.rules.removed, added: `${start.rules.added}X-Cache: ${source}\r\n` };
    return this.sink.sendResponse({ head: start.head, fields: start.fields, rules }, piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    this.take(piece, isLast);
    return this.answered > 0 ? true : this.sink.sendBody(piece, isLast);
  }

  dropped(): void {
    this.sink.dropped?.();
  }

  changed(answer: Answer): Answer {
    return this.sink.changed?.(answer) ?? answer;
  }

  answerWith(answer: Answer): void {
    this.isDone = true;
    this.endFlight("failed");
    const { stale } = this;
    if (stale !== null && serverErrors.has(answer.status) && this.replacesError(stale)) {
      this.answerFrom(stale, "STALE");
      this.client.exchangeDone(this.answered);
    } else {
      this.client.answerWith(answer);
    }
  }

  exchangeDone(status: number): void {
    this.endFlight("failed"); // if nothing else was said of it
    this.finish(this.answered > 0 ? this.answered : status);
  }

  abort(status: number, isStalled: boolean): void {
    this.isDone = true;
    this.endFlight("failed");
    if (this.answered > 0 && !isStalled) this.client.exchangeDone(this.answered);
    else this.client.abort(status, isStalled);
  }

  /** Whether the server was asked for the whole, by GET. */
  private get waitsForWhole(): boolean {
    return this.askedAt > 0;
  }

  private get key(): string {
    return `${this.source} ${this.request.url}`;
  }

  /** Takes out of the request what is needed beyond the turn in which it was read. */
  private keepRequest(): void {
    const { atHand } = this;
    if (atHand === null) return;
    const { view } = atHand;
    this.atHand = null;
    this.requestKey = this.o.route.upstream.keyOf(view);
    this.value = keptValues(view);
    this.headText = atHand.headText();
  }

  private find(): StoredResponse | null {
    const { request } = this;
    const found = this.cache.store.find(request.url, this.source, this.value) ?? this.fromDisk;
    return found !== null && request.hasAuthorization && !found.isForAll ? null : found;
  }

  private lead(stale: StoredResponse | null, joinsOthers: boolean): void {
    const { cache, key } = this;
    this.stale = stale;
    this.askedAt = performance.now();
    if (joinsOthers && !this.leads) cache.flights.begin(key);
    this.leads = joinsOthers;
    this.ask(askingHead(this.headText, stale));
  }

  private ask(headText: string): void {
    this.inner = new Exchange({ ...this.o, client: this, sink: this, headText, key: this.requestKey });
    this.inner.begin(this.o.route);
  }

  private answerOwn(answer: Answer): void {
    this.isDone = true;
    this.client.answerWith(ownAnswer(this.o.route, this.sink, answer));
  }

  private endFlight(how: FlightEnd): void {
    if (!this.leads) return;
    this.leads = false;
    this.cache.flights.end(this.key, how, performance.now());
  }

  private origin(age: string | null): Origin {
    const { askedAt, cache, request, source, value } = this;
    const { plan } = cache;
    return comingNow({ url: request.url, upstream: source, plan, request: value, age }, askedAt);
  }

  private take(piece: BodyPiece, isLast: boolean): void {
    const { cache, recording } = this;
    if (recording === null) return;
    if (!recording.take(piece)) {
      this.recording = null;
      this.endFlight("of no use");
    } else if (isLast) {
      this.recording = null;
      const stored = recording.finish();
      cache.keep(stored);
      // What is stale at once would let those who wait ask one after the other.
      this.endFlight(stored.lifetime.freshMs > 0 ? "stored" : "of no use");
    }
  }

  /** RFC 9111 §4.3.4. */
  private revalidated(stale: StoredResponse, { fields, head }: ResponseStart): boolean {
    const fresh = freshened(stale, storedLines(head, fields), this.origin(ageOf({ fields })));
    this.cache.keepUnchanged(fresh);
    const isTaken = this.answerFrom(fresh, "REVALIDATED");
    this.endFlight(fresh.lifetime.freshMs > 0 ? "stored" : "of no use");
    return isTaken;
  }

  /** The client's own conditions, which were not passed on, hold for a whole answer, too (RFC 9110 §13.2.2). */
  private ownAnswer(): FromStore | null {
    const { recording, request } = this;
    if (recording === null) return null;
    const lastModified = recording.value("last-modified");
    const lastModifiedMs = lastModified === null ? null : httpDate(lastModified);
    const validators = { etag: recording.value("etag"), lastModifiedMs };
    return isUnchanged(request.wanted, validators) ? unchanged(recording.lines) : null;
  }

  private replacesError({ bornAt, lifetime }: StoredResponse): boolean {
    return mayReplaceError(lifetime, performance.now() - bornAt);
  }

  private answerFrom(stored: StoredResponse, source: Source): boolean {
    const ageS = Math.max(0, Math.trunc((performance.now() - stored.bornAt) / 1000));
    const added = `${this.o.route.rules.added}Age: ${ageS}\r\n`; // RFC 9111 §5.1
    return this.send(fromStore(stored, this.request.wanted), added, source);
  }

  private send({ fields, head, piece }: FromStore, added: string, source: Source): boolean {
    this.answered = head.status;
    const rules = { removed: this.o.route.rules.removed, added: `${added}X-Cache: ${source}\r\n` };
    return this.sink.sendResponse({ head, fields, rules }, piece, true);
  }

  private finish(status: number): void {
    this.isDone = true;
    this.client.exchangeDone(status);
  }
}

function ageOf({ fields }: Pick<ResponseStart, "fields">): string | null {
  for (let index = 0; index < fields.count; index++)
    if (fields.name(index).toLowerCase() === "age") return fields.value(index);
  return null;
}
