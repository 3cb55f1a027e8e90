import type { RequestLog } from "./access-log.ts";
import type { Hold } from "./admission/connection-limit.ts";
import type { Engine } from "./engine.ts";
import type { ForwardedBy } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { LoggedRequest } from "./log-variables.ts";
import { MainLine } from "./main-line.ts";
import type { RequestView } from "./request-view.ts";
import { idsOf, stampHead, traceIdOf, type IdWishes, type RequestIds } from "./request-ids.ts";
import type { Site } from "./snapshot.ts";
import { UpstreamTrace } from "./upstream-trace.ts";

/** What a client's connection tells of its keys; nothing once the client has reset it, whatever the runtime's types say. */
export interface SecuredBy {
  getTLSVersion(): string | null;
  getCipher(): { readonly name: string } | undefined;
  getServername(): string | false | null | undefined;
  /** What was agreed on by ALPN (RFC 7301). */
  readonly alpnProtocol?: string | false | null;
  isSessionReused?(): boolean;
}

/** What a record asks its connection or stream for if a log wants it: bytes of the request's body, bytes sent, the head of the response. */
export interface RecordSource {
  readonly wire: SecuredBy;
  readonly body: { readonly total: number };
  readonly outbox: { readonly total: number };
  readonly writer: { readonly sentHead: string };
}

interface ConnectionNumbers {
  readonly number: number;
  requests: number;
}

let connectionCount = 0;
const numbersOf = new WeakMap<ForwardedBy, ConnectionNumbers>();

const noNotes: readonly string[] = [];

/** Counts and logs requests, one after another. */
export class RequestRecord implements LoggedRequest {
  /** The site of the present request. */
  site: Site | null = null;
  /** Which servers it was taken to; null if no log wants to know. */
  trace: UpstreamTrace | null = null;
  status = 0;
  bodyBytes = 0;
  startedAt = 0;
  readonly engine: Engine;
  /** Who sent the present request. */
  clientAddress: string;
  private readonly by: ForwardedBy;
  private readonly source: RecordSource;
  /** What it gives back when it ends. */
  private hold: Hold | null = null;
  private log: RequestLog | null = null;
  private notes: readonly string[] = noNotes;
  private headBytes = 0;
  private sentBefore = 0;
  private numbers: ConnectionNumbers | null = null;
  private fields: FieldTable | null = null;
  /** Null is that of the head. */
  private requestLine: string | null = null;
  /** Made for the first log that wants it. */
  private line: MainLine | null = null;
  private ids: RequestIds | null = null;

  constructor(engine: Engine, by: ForwardedBy, source: RecordSource) {
    this.engine = engine;
    this.by = by;
    this.source = source;
    this.clientAddress = by.remoteAddress;
  }

  /** Starts with a request; `fields` is null if they could not be read, `requestLine` if it is the one before them. */
  begin(site: Site | null, requestLine: string | null, fields: FieldTable | null): void {
    this.engine.counters.requests++;
    this.site = site;
    this.clientAddress = this.by.remoteAddress;
    this.log = null;
    this.trace = null;
    this.ids = null;
    if (site === null) return;
    if (site.ids !== null) this.ids = idsOf(fields, site.ids);
    if (site.accessLog === null && !site.hasRouteLogs) return;
    this.requestLine = requestLine;
    this.fields = fields;
    this.sentBefore = this.source.outbox.total;
    this.useLog(site.accessLog);
  }

  /** Has the request logged elsewhere than its site says, or nowhere; in the turn in which it began. */
  useLog(log: RequestLog | null): void {
    if (log === this.log) return;
    this.log = log;
    if (log === null) return;
    const { fields } = this;
    if (log.main !== null) {
      this.line ??= new MainLine();
      this.line.note(this.requestLine, fields);
      return;
    }
    const { format } = log;
    this.notes = format.note(this.requestLine ?? fields?.startLine ?? "", fields);
    this.headBytes = fields?.length ?? 0;
    if (format.wantsTimes) this.startedAt = performance.now();
    if (format.wantsTrace) this.trace = new UpstreamTrace(format.wantsUpstreamHead);
    if (format.wantsNumbers) this.countRequest();
    if (format.wantsIds) this.ids ??= idsOf(fields, noWishes);
  }

  /** Takes what routes have found out: who sent the request, and where it is logged; and has them know its name. */
  follow(view: RequestView): void {
    this.clientAddress = view.client;
    this.hold = view.hold;
    if (view.log !== undefined) this.useLog(view.log);
    if (this.ids !== null) view.id = this.ids.requestId;
  }

  /** Gives what the request has taken of a limit to the WebSocket that comes of it. */
  takeHold(): Hold | null {
    const { hold } = this;
    this.hold = null;
    return hold;
  }

  /** Whether its site wants the names of requests in the heads that go to servers. */
  get stampsHeads(): boolean {
    return this.ids !== null && this.site !== null && this.site.ids !== null;
  }

  /** Writes the names of the request into the head that goes to the server, where its site wants that. */
  stamped(head: string): string {
    const wishes = this.site?.ids ?? null;
    return wishes === null || this.ids === null ? head : stampHead(head, this.ids, wishes);
  }

  /** Ends it; `bodyBytes` were sent behind the head. */
  end(status: number, bodyBytes: number): void {
    this.engine.counters.add(status);
    if (this.hold !== null) this.takeHold()?.release();
    const { log } = this;
    if (log === null) return;
    this.status = status;
    this.bodyBytes = bodyBytes;
    if (log.main !== null) {
      this.line?.write(log.main.room, this, log.main.tellsForwarded);
      return;
    }
    this.trace?.ended(status);
    log.add(log.format.write(this.notes, this));
  }

  get remoteAddress(): string {
    return this.clientAddress;
  }

  get connectionAddress(): string {
    return this.by.remoteAddress;
  }

  get siteName(): string {
    return this.site?.hosts[0] ?? "";
  }

  get remotePort(): number {
    return this.by.ends.source.port;
  }

  get localAddress(): string {
    return this.by.ends.destination.address;
  }

  get localPort(): number {
    return this.by.ends.destination.port;
  }

  get scheme(): string {
    return this.by.scheme;
  }

  get tlsVersion(): string {
    return this.by.scheme === "http" ? "" : (this.source.wire.getTLSVersion() ?? "");
  }

  get tlsCipher(): string {
    return this.by.scheme === "http" ? "" : (this.source.wire.getCipher()?.name ?? "");
  }

  get tlsServerName(): string {
    const name = this.by.scheme === "http" ? null : this.source.wire.getServername();
    return typeof name === "string" ? name : "";
  }

  get tlsProtocolName(): string {
    const name = this.by.scheme === "http" ? null : this.source.wire.alpnProtocol;
    return typeof name === "string" ? name : "";
  }

  get isTlsResumed(): boolean {
    return this.by.scheme !== "http" && this.source.wire.isSessionReused?.() === true;
  }

  get certificateFields(): string {
    return this.by.certificateFields;
  }

  /** Whether the log wants the head that is sent. */
  get wantsHead(): boolean {
    return this.log?.format.wantsHead === true;
  }

  get requestId(): string {
    return this.ids?.requestId ?? "";
  }

  get traceId(): string {
    return this.ids === null ? "" : traceIdOf(this.ids);
  }

  get sentBytes(): number {
    return this.source.outbox.total - this.sentBefore;
  }

  get receivedBytes(): number {
    return this.headBytes + this.source.body.total;
  }

  get sentHead(): string {
    return this.source.writer.sentHead;
  }

  get timeLocal(): string {
    return this.engine.sweep.timeLocal;
  }

  get connectionNumber(): number {
    return this.numbers?.number ?? 0;
  }

  get requestNumber(): number {
    return this.numbers?.requests ?? 0;
  }

  private countRequest(): void {
    let numbers = numbersOf.get(this.by);
    if (numbers === undefined) {
      numbers = { number: ++connectionCount, requests: 0 };
      numbersOf.set(this.by, numbers);
    }
    numbers.requests++;
    // A snapshot: requests of one connection may go on side by side.
    this.numbers = { ...numbers };
  }
}

const noWishes: IdWishes = { requestId: false, trace: false };
