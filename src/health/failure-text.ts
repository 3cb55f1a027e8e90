import { errorText } from "../base/system-error.ts";

const knownCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  EADDRNOTAVAIL: "no local address to connect from",
  ETIMEDOUT: "no connection",
  EMFILE: "too many open files on this node",
  UND_ERR_SOCKET: "connection closed before the answer was complete",
  UND_ERR_HEADERS_OVERFLOW: "answer head too large",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "body is not as long as Content-Length says",
};

/** Says in an operator's words why an attempt failed. */
export function failureText(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (error instanceof Error && error.name === "HTTPParserError")
    return `answer is no valid HTTP (${errorText(error)})`;
  return knownCodes[code] ?? errorText(error);
}
