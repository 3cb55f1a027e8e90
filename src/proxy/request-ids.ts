import type { FieldTable } from "./http1/field-table.ts";

/** By what names a site lets requests be known to servers and in logs. */
export interface IdWishes {
  /** X-Request-ID */
  readonly requestId: boolean;
  /** traceparent of W3C Trace Context */
  readonly trace: boolean;
}

/** The names of one request. */
export interface RequestIds {
  readonly requestId: string;
  /** Value of traceparent; empty without trace. */
  readonly traceparent: string;
}

// Nothing that could end a field or a log's quoted text, and no more than a line can bear.
const validId = /^[A-Za-z0-9._~+/=:@-]{1,128}$/;
// W3C Trace Context §3.2: version, trace, parent, flags; all zeroes are not valid.
const validParent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** Gives the names that a request has, or new ones; one that a client sent badly is replaced. */
export function idsOf(fields: FieldTable | null, wishes: IdWishes): RequestIds {
  const sent = valueOf(fields, "x-request-id");
  const requestId = sent !== "" && validId.test(sent) ? sent : randomHex();
  if (!wishes.trace) return { requestId, traceparent: "" };
  const parent = valueOf(fields, "traceparent");
  // §4.3: a proxy that takes no part in a trace passes it on as it is; one that begins it makes both ids.
  const traceparent = validParent.test(parent) ? parent : `00-${randomHex()}-${randomHex().slice(0, 16)}-00`;
  return { requestId, traceparent };
}

/** Gives the trace's id in a traceparent; empty if there is none. */
export function traceIdOf({ traceparent }: RequestIds): string {
  return traceparent.slice(3, 35);
}

/** Writes the names into the head that goes to the server, in place of what the client sent. */
export function stampHead(head: string, ids: RequestIds, wishes: IdWishes): string {
  let text = head;
  if (wishes.requestId) text = withField(text.replace(requestIdLine, ""), "X-Request-ID", ids.requestId);
  if (!wishes.trace) return text;
  // §3.3: what goes with a trace is of no use without it.
  if (!text.includes(`: ${ids.traceparent}\r\n`)) text = text.replace(traceState, "");
  return withField(text.replace(traceParent, ""), "traceparent", ids.traceparent);
}

// A line with the line end before it; one that is looked back to would keep the expression from being compiled.
const requestIdLine = /\nx-request-id:[^\n]*/gi;
const traceParent = /\ntraceparent:[^\n]*/gi;
const traceState = /\ntracestate:[^\n]*/gi;

function withField(head: string, name: string, value: string): string {
  return `${head.slice(0, -2)}${name}: ${value}\r\n\r\n`;
}

function valueOf(fields: FieldTable | null, name: string): string {
  if (fields === null) return "";
  let found = "";
  for (let index = 0; index < fields.count; index++) {
    if (!fields.isNamed(index, name)) continue;
    if (found !== "") return ""; // several are as good as none
    found = fields.value(index);
  }
  return found;
}

/** Random bytes for many names: to ask for a few is as dear as to ask for thousands. */
const random = Buffer.alloc(16 * 256);
let randomAt = random.length;
/** The next of them in digits: few enough that a connection which keeps one name keeps no memory worth mention with it. */
const atOnceBytes = 16 * 16;
let digits = "";

/** Gives a name that nothing else has: 32 hexadecimal digits, as nginx's `$request_id`. */
export function randomHex(): string {
  if (randomAt === random.length) {
    crypto.getRandomValues(random);
    randomAt = 0;
  }
  const at = randomAt % atOnceBytes;
  if (at === 0) digits = random.toString("hex", randomAt, randomAt + atOnceBytes);
  randomAt += 16;
  return digits.substring(2 * at, 2 * at + 32);
}
