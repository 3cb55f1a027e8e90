import { X509Certificate } from "node:crypto";
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
