import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { errorText } from "./system-error.ts";

/** Says why a file is none of certificates in PEM form, as in `/etc/ca.pem cannot be read: …`; null if it is one. */
export function authorityProblem(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    return `${path} cannot be read: ${errorText(error)}`;
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return `${path} has no certificate in it`;
  for (const [index, block] of blocks.entries()) {
    if (!isCertificate(block)) return `certificate ${index + 1} in ${path} is broken`;
  }
  return null;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** What is wrong with a certificate and its key, and in which of the two files. */
export interface KeyPairProblem {
  readonly file: "certificate" | "key";
  /** An error stops a server that has to show it; a warning does not. */
  readonly severity: "error" | "warning";
  readonly what: string;
}

/**
 * Says what is wrong with the PEM files of a server's certificate, with its chain behind it, and of its private key; null if
 * nothing is. A certificate that has run out, or will within 14 days of `now`, is a warning: clients may still take it.
 */
export function keyPairProblem(certificate: string, key: string, now: Date): KeyPairProblem | null {
  const unreadable = authorityProblem(certificate);
  if (unreadable !== null) return { file: "certificate", severity: "error", what: unreadable };
  let keyText: string;
  try {
    keyText = readFileSync(key, "latin1");
  } catch (error) {
    return { file: "key", severity: "error", what: `${key} cannot be read: ${errorText(error)}` };
  }
  const own = new X509Certificate(readFileSync(certificate, "latin1"));
  const fault = keyFault(own, keyText);
  if (fault !== null) return { file: "key", severity: "error", what: `${key} ${fault}` };
  const end = new Date(own.validTo);
  if (end.getTime() - now.getTime() > 14 * 86_400_000) return null;
  const day = end.toISOString().slice(0, 10);
  const what = end <= now ? `${certificate} ran out on ${day}` : `${certificate} runs out on ${day}`;
  return { file: "certificate", severity: "warning", what };
}

function keyFault(certificate: X509Certificate, key: string): string | null {
  if (/ENCRYPTED/.test(key)) return "is protected by a passphrase, which nobody could type in";
  try {
    return certificate.checkPrivateKey(createPrivateKey(key)) ? null : "is not the key of this certificate";
  } catch {
    return "has no private key in PEM form in it";
  }
}

/** Gives the host names in lower case that a server's certificate is for; none if the file cannot be read. */
export function certificateNames(path: string): readonly string[] {
  try {
    return namesOf(new X509Certificate(readFileSync(path, "latin1")));
  } catch {
    return [];
  }
}

/** Gives the host names in lower case that a certificate is for (RFC 9525 §6.3); its common name does not count. */
export function namesOf({ subjectAltName }: X509Certificate): readonly string[] {
  const names: readonly string[] = subjectAltName?.split(/,\s*/) ?? [];
  return names.flatMap((entry) => (entry.startsWith("DNS:") ? [entry.slice(4).toLowerCase()] : []));
}

/** Tells whether a name in a certificate covers a host name; `*` stands for one label, the leftmost (RFC 9525 §6.3). */
export function coversHost(name: string, host: string): boolean {
  if (name === host) return true;
  return name.startsWith("*.") && host.indexOf(".") > 0 && host.slice(host.indexOf(".")) === name.slice(1);
}
