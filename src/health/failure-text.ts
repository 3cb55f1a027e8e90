import { errorText, SystemError } from "../base/system-error.ts";

const knownCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection reset",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  EACCES: "the routes forbid it",
  EADDRNOTAVAIL: "no local address to connect from",
  ETIMEDOUT: "no connection",
  EMFILE: "too many open files on this node",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another name",
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not valid yet",
};

/** What a certificate's authority is not; the operator may name it, or do without. */
const untrusted: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Says in an operator's words why an attempt failed. */
export function failureText(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (untrusted.has(code))
    return `certificate is not trusted (${errorText(error)}): name its ca, or verify = false`;
  if (code.startsWith("ERR_SSL_")) return `no TLS (${code.slice(8).toLowerCase().replaceAll("_", " ")})`;
  // Who cannot bind lacks the address named in the check.
  if (code === "EADDRNOTAVAIL" && error instanceof SystemError && error.call === "bind")
    return `this node has no address ${error.about} to check from`;
  return knownCodes[code] ?? errorText(error);
}
