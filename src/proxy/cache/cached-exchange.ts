import { Exchange } from "../exchange.ts";
import { SentHead } from "../sent-head.ts";
import type { ExchangeClient, ResponseStart } from "../exchange-client.ts";
import { afterWaits } from "../admission/gate.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { Waiting } from "../decide.ts";
import { ownAnswer } from "../own-answer.ts";
import type { Route } from "../snapshot.ts";
import type { OpenExchange } from "../open-exchange.ts";
import { anyKey, type RequestKey } from "../request-key.ts";
import type { BodyPiece } from "../body-piece.ts";
import { AskingClient } from "../asking-client.ts";
import { fileOfBody } from "./body-file.ts";
import { askingHead, keptValues, type AtHand, type CachedRequest } from "./cached-request.ts";
import type { FlightEnd, Waiter } from "./flights.ts";
import { usability, type FieldValue } from "./freshness.ts";
import { fromStore } from "./from-store.ts";
import { HeldResponse } from "./held-response.ts";
import { Recording } from "./recording.ts";
import { refresh } from "./refresh.ts";
import type { RouteCache } from "./route-cache.ts";
import {
  ageOf,
  comingNow,
  freshened,
  replacesError,
  storedLines,
  type Origin,
  type StoredResponse,
} from "./stored-response.ts";
import { StoreAnswer, type Source } from "./store-answer.ts";
import { isSelected } from "./variant.ts";

/** What an exchange needs, but for the head that goes to the server: that is written only if it has to. */
export type CachedOptions = Omit<ConstructorParameters<typeof Exchange>[0], "sentHead" | "key">;

const never = Number.POSITIVE_INFINITY;

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
  /** What the disk had, or another has handed over, which may be too large for the memory. */
  private readonly handed = new HeldResponse();
  /** The answer if it is one of ours: what the server says goes nowhere then. */
  private readonly shown: StoreAnswer;
  /** Whether nothing but that is still to be done. */
  private isServed = false;
  private recording: Recording | null = null;
  private leads = false;
  /** Whether a disk has been asked, or need not be. */
  private hasLooked: boolean;
  private waitUntil = never;
  private patience = 0; // until when it waits for others, one after another
  private askedAt = 0;
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
    this.shown = new StoreAnswer(o, this);
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
      this.finish(this.shown.status);
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
    this.answerFrom(stale, !this.leads && cache.flights.has(key) ? "UPDATING" : "STALE");
    this.endFlight("stored", fileOfBody(stale.body) === null ? null : stale);
    const sentHead = SentHead.ofText(headText);
    refresh({ ...this.o, trace: null, sentHead, key: requestKey }, cache, { key, stale, value });
    this.finish(this.shown.status);
  }

  /** Waits for somebody else's answer, if there is one under way. */
  private joins(): boolean {
    const { cache, key } = this;
    const { asked, wanted } = this.request;
    if (this.leads || asked.onlyIfCached || wanted.isHead || !cache.flights.has(key)) return false;
    if (wanted.range !== null && this.hasLooked && this.find() === null) return false;
    this.waitUntil = this.patience ||= this.o.engine.sweep.after(cache.plan.lockTimeoutMs);
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
      if (!this.isDone) {
        this.handed.keep(entry);
        const isShared = entry !== null && cache.store.put(entry);
        this.start();
        if (this.shown.status > 0) this.endFlight(isShared ? "stored" : "failed", isShared ? null : entry);
      }
      if (entry !== null) fileOfBody(entry.body)?.release();
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
      this.ask(this.headText, "BYPASS");
    } else {
      this.lead(stale, this.leads || !cache.flights.isApart(this.key, performance.now()));
    }
  }

  wake(found: StoredResponse | null): void {
    if (this.isDone) return;
    this.waitUntil = never;
    const isForThis = found !== null && isSelected(found.selecting, this.value);
    if (isForThis) this.handed.keep(found);
    this.hasLooked = isForThis || this.cache.disk === null; // what was fetched may be there by now
    this.start();
  }

  get hasBegun(): boolean {
    return this.shown.status > 0 || this.inner?.hasBegun === true;
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
    if (this.shown.isUnderWay) this.shown.clientDrained();
    else this.inner?.clientDrained();
  }

  cancel(): void {
    if (this.isDone) return;
    this.over();
    this.shown.cancel();
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
      this.shown.sweep(now);
      this.inner?.sweep(now);
    }
  }

  sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { status } = start.head;
    const { stale } = this;
    if (stale !== null && status === 304) return this.revalidated(stale, start);
    if (stale !== null && replacesError(stale, status)) {
      this.endFlight("failed");
      return this.answerFrom(stale, "STALE");
    }
    const isWhole = this.askedAt > 0; // and the server was asked by GET
    this.recording = isWhole ? Recording.of(start, this.origin(ageOf(start)), this.cache) : null;
    if (this.recording === null && isWhole) {
      // RFC 9111 §4.3.3: a full answer replaces the stored one even where it cannot be stored itself.
      if (stale !== null && status < 500) this.cache.forget(stale);
      this.endFlight(status < 500 ? "of no use" : "failed");
    }
    const own = this.recording?.unchangedFor(this.request.wanted) ?? null;
    this.take(piece, isLast);
    const source = isWhole ? (stale === null ? "MISS" : "EXPIRED") : "BYPASS";
    if (own !== null) return this.shown.send(own, start.rules.added, source);
    const rules = { removed: start.rules.removed, added: `${start.rules.added}X-Cache: ${source}\r\n` };
    return this.sink.sendResponse({ head: start.head, fields: start.fields, rules }, piece, isLast);
  }

  sendBody(piece: BodyPiece, isLast: boolean): boolean {
    this.take(piece, isLast);
    return this.shown.status > 0 ? true : this.sink.sendBody(piece, isLast);
  }

  dropped(): void {
    // Of an answer from the store nothing is dropped because a server breaks off what nobody is shown.
    if (this.shown.status === 0) this.sink.dropped?.();
  }

  answerWith(answer: Answer): void {
    this.inner = null;
    this.endFlight("failed");
    const { stale } = this;
    if (stale !== null && replacesError(stale, answer.status)) {
      this.answerFrom(stale, "STALE");
      this.finish(this.shown.status);
    } else {
      this.over();
      this.client.answerWith(answer);
    }
  }

  exchangeDone(status: number): void {
    this.inner = null;
    this.endFlight("failed"); // if nothing else was said of it
    this.finish(this.shown.status > 0 ? this.shown.status : status);
  }

  abort(status: number, isStalled: boolean): void {
    this.inner = null;
    this.endFlight("failed");
    if (this.shown.status > 0 && !isStalled) return this.finish(this.shown.status);
    this.over();
    this.client.abort(status, isStalled);
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
    const found = this.cache.store.find(request.url, this.source, this.value) ?? this.handed.entry;
    return found !== null && request.hasAuthorization && !found.isForAll ? null : found;
  }

  private lead(stale: StoredResponse | null, joinsOthers: boolean): void {
    const { cache, key } = this;
    this.stale = stale;
    this.askedAt = performance.now();
    if (joinsOthers && !this.leads) cache.flights.begin(key);
    this.leads = joinsOthers;
    this.ask(askingHead(this.headText, stale), stale === null ? "MISS" : "EXPIRED");
  }

  private ask(headText: string, source: Source): void {
    this.o.trace?.asked(source);
    const sentHead = SentHead.ofText(headText);
    this.inner = new Exchange({ ...this.o, client: this, sink: this, sentHead, key: this.requestKey });
    this.inner.begin(this.o.route);
  }

  private answerOwn(answer: Answer): void {
    this.over();
    this.client.answerWith(ownAnswer(this.o.route, this.sink, answer));
  }

  private endFlight(how: FlightEnd, found: StoredResponse | null = null): void {
    if (!this.leads) return;
    this.leads = false;
    this.cache.flights.end(this.key, how, performance.now(), found);
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
      const { key, leads } = this;
      this.leads = false;
      recording.finish(leads ? cache.flights.landing(key) : null);
    }
  }

  /** RFC 9111 §4.3.4. */
  private revalidated(stale: StoredResponse, { fields, head }: ResponseStart): boolean {
    const fresh = freshened(stale, storedLines(head, fields), this.origin(ageOf({ fields })));
    this.cache.keepUnchanged(fresh);
    const isTaken = this.answerFrom(fresh, "REVALIDATED");
    if (fresh.lifetime.freshMs > 0) this.endFlight("stored", this.cache.handed(fresh));
    else this.endFlight("of no use");
    return isTaken;
  }

  private answerFrom(stored: StoredResponse, source: Source): boolean {
    const ageS = Math.max(0, Math.trunc((performance.now() - stored.bornAt) / 1000));
    const added = `${this.o.route.rules.added}Age: ${ageS}\r\n`; // RFC 9111 §5.1
    this.o.trace?.stored(this.cache.upstream, source, stored.fields);
    return this.shown.send(fromStore(stored, this.request.wanted), added, source);
  }

  fileSent(isWhole: boolean): void {
    const { status } = this.shown;
    if (!isWhole) {
      this.cancel();
      this.client.abort(status, false);
    } else if (this.isServed) {
      this.finish(status);
    }
  }

  private finish(status: number): void {
    this.isServed = true;
    if (this.shown.isUnderWay) return; // it is done when all of the file went
    this.over();
    this.client.exchangeDone(status);
  }

  private over(): void {
    this.isDone = true;
    this.recording?.drop();
    this.handed.keep(null);
  }
}
