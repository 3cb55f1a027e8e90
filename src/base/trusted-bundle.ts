import { statSync } from "node:fs";

/** Where distributions keep the authorities that a host trusts. */
const places: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let found: string | null | undefined;

/** Gives the path of the authorities that this host trusts, or null; looked for once, for a bundle that is replaced keeps its place. */
export function trustedBundle(): string | null {
  found ??= places.find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined) ?? null;
  return found;
}
