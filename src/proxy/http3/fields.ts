import type { Field } from "../http2/hpack-decoder.ts";

/** Fields as the runtime gives and takes them: several of a name together, in the order of the first. */
export type FieldBlock = NodeJS.Dict<string | string[]>;

/**
 * The runtime takes no second one of these. A server that sends two leaves open which of them holds; the first does here.
 */
const single: ReadonlySet<string> = new Set([
  "access-control-allow-credentials",
  "access-control-max-age",
  "access-control-request-method",
  "age",
  "authorization",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "dnt",
  "etag",
  "expires",
  "from",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "tk",
  "upgrade-insecure-requests",
  "user-agent",
  "x-content-type-options",
]);

/** Speak of the connection, which HTTP/3 does in other ways (RFC 9114 §4.2). */
const connectionSpecific: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** Gives the fields of a block one by one. */
export function fieldsOf(block: FieldBlock): readonly Field[] {
  return Object.entries(block).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return typeof value === "string" ? [{ name, value }] : value.map((one) => ({ name, value: one }));
  });
}

/** Starts a block with a status. */
export function statusBlock(status: number): FieldBlock {
  const block = emptyBlock();
  block[":status"] = String(status);
  return block;
}

/** Gives a block without fields. */
export function emptyBlock(): FieldBlock {
  return Object.create(null) as FieldBlock;
}

/** Adds a field, whose name is in lower case. */
export function addField(block: FieldBlock, name: string, value: string): void {
  if (connectionSpecific.has(name)) return;
  const known = block[name];
  if (known === undefined) block[name] = value;
  else if (single.has(name)) return;
  else if (typeof known === "string") block[name] = [known, value];
  else known.push(value);
}

/** Adds the fields of lines. */
export function addLines(block: FieldBlock, lines: string): void {
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) addField(block, line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
}
