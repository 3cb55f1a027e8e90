/**
 * Fields that no trailer section may bring (RFC 9110 §6.5.1): they frame or route a message, authenticate, or decide how its
 * content is read and kept, and whoever merged them would do so too late.
 */
const forbidden: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "keep-alive",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "retry-after",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "via",
  "warning",
  "www-authenticate",
]);

/** Gives those of the trailer field lines that may go on to a client, each with its line end. */
export function passedTrailers(lines: string): string {
  let passed = "";
  for (const line of lines.split("\r\n")) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase().replaceAll("_", "-");
    if (name !== "" && !forbidden.has(name)) passed += `${line}\r\n`;
  }
  return passed;
}
