import { targetOctet } from "./octets.ts";

/** A request target taken apart (RFC 9112 §3.2). */
export interface RequestTarget {
  /** What goes to the server: origin-form or `*`, octet for octet as the client wrote it (RFC 9110 §7.7). */
  readonly forwarded: string;
  /** The authority of an absolute-form, which replaces Host (§3.2.2); null in the other forms. */
  readonly authority: string | null;
}

const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/i;

/** Reads the target of a request; null if it is malformed. `CONNECT` and its authority-form are refused before. */
export function readTarget(target: string, method: string): RequestTarget | null {
  for (let at = 0; at < target.length; at++) {
    if (targetOctet[target.charCodeAt(at)] !== 1) return null;
  }
  if (target.charCodeAt(0) === 0x2f) return { forwarded: target, authority: null };
  if (target === "*") return method === "OPTIONS" ? { forwarded: "*", authority: null } : null;
  const parts = absoluteForm.exec(target);
  if (parts === null) return null;
  const [, authority = "", rest = ""] = parts;
  if (authority === "" || authority.includes("@")) return null; // RFC 9110 §4.2.1, §4.2.4
  return { forwarded: originForm(rest, method), authority };
}

function originForm(rest: string, method: string): string {
  if (rest.startsWith("/")) return rest;
  if (rest === "" && method === "OPTIONS") return "*"; // RFC 9112 §3.2.4
  return `/${rest}`;
}
