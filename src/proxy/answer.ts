/** An answer of the proxy's own, for one request or ready for many. */
export interface Answer {
  readonly status: number;
  /** Field lines, each with its line end; neither Date nor framing nor Connection, which are written with it. */
  readonly fields: string;
  readonly body: Buffer;
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  410: "Gone",
  413: "Content Too Large",
  414: "URI Too Long",
  417: "Expectation Failed",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};

const allowed = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"; // RFC 9110 §15.5.6
const noBody = Buffer.alloc(0);
const plainAnswers = new Map<number, Answer>();

/** Gives the reason phrase of a status; one that is not known gets that of its class. */
export function reasonOf(status: number): string {
  return reasons[status] ?? reasons[Math.trunc(status / 100) * 100] ?? "Error";
}

/** Gives the small plain page for a status. */
export function plainAnswer(status: number): Answer {
  const known = plainAnswers.get(status);
  if (known !== undefined) return known;
  const text = status < 300 ? "" : `${status} ${reasonOf(status)}\n`;
  const type = text === "" ? "" : "Content-Type: text/plain\r\n";
  const answer = {
    status,
    fields: status === 405 || status === 200 ? `${type}${allowed}` : type,
    body: text === "" ? noBody : Buffer.from(text, "latin1"),
  };
  plainAnswers.set(status, answer);
  return answer;
}

/** Writes the head of an answer in HTTP/1.1; `date` is an IMF-fixdate (RFC 9110 §6.6.1). */
export function answerHead(answer: Answer, date: string, closes: boolean): string {
  const { body, fields, status } = answer;
  // RFC 9110 §8.6: no length with 204, and with 304 none that is not the page's.
  const length = status === 204 || status === 304 ? "" : `Content-Length: ${body.length}\r\n`;
  const close = closes ? "Connection: close\r\n" : "";
  return `HTTP/1.1 ${status} ${reasonOf(status)}\r\nDate: ${date}\r\n${fields}${length}${close}\r\n`;
}
