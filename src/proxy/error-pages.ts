const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

const allowed = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"; // RFC 9110 §15.5.6

/** An answer of the proxy's own. */
export interface OwnAnswer {
  readonly head: string;
  readonly body: string;
}

/** Writes a small plain page for a status; `date` is an IMF-fixdate (RFC 9110 §6.6.1). */
export function ownAnswer(
  status: number,
  date: string,
  o: { readonly closes: boolean; readonly isHead: boolean },
): OwnAnswer {
  const reason = reasons[status] ?? "Error";
  const body = status === 200 ? "" : `${status} ${reason}\n`;
  const type = body === "" ? "" : "Content-Type: text/plain\r\n";
  const allow = status === 405 || status === 200 ? allowed : "";
  const close = o.closes ? "Connection: close\r\n" : "";
  const head = `HTTP/1.1 ${status} ${reason}\r\nDate: ${date}\r\n${type}${allow}Content-Length: ${body.length}\r\n${close}\r\n`;
  return { head, body: o.isHead ? "" : body };
}
