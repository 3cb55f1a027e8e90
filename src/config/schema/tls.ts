import { z } from "zod";
import { choice, complaint, filePath, orElse, table, text, wants } from "./fields.ts";

/** A certificate that a listener may show. */
export interface CertificateEntry {
  /** PEM: the server's own certificate first, then those between it and the authority. */
  readonly certificate: string;
  readonly key: string;
}

/** `client_certificates`: whether clients have to show one. */
export interface ClientCertificatesEntry {
  /** PEM file of the authorities that sign them. */
  readonly ca: string;
  readonly mode: "require" | "optional";
}

/** The lowest version of TLS that a listener speaks. */
export type TlsVersion = "1.2" | "1.3";

const certificatesExample =
  'tls = [{ certificate = "/etc/edge-ha/tls/shop.pem", key = "/etc/edge-ha/tls/shop.key" }]';

const certificate: z.ZodType<CertificateEntry> = table(
  {
    certificate: filePath('certificate = "/etc/edge-ha/tls/shop.pem"'),
    key: filePath('key = "/etc/edge-ha/tls/shop.key"'),
  },
  certificatesExample,
);

/** The certificates of a listener: the first is for clients that name no host, or one that none is for. */
export const certificatesSchema: z.ZodType<readonly CertificateEntry[]> = z
  .array(certificate, { error: wants("a list of certificates", certificatesExample) })
  .min(1, { error: complaint("is an empty list", `write ${certificatesExample}, or leave it out`) });

const broken =
  'no client of today needs it, and its ciphers are broken (RFC 8996); write tls_min_version = "1.2"';

/** `tls_min_version`. */
export const tlsVersionSchema: z.ZodType<TlsVersion> = orElse(
  choice(["1.2", "1.3"], { "1.0": broken, "1.1": broken }),
  "1.2",
);

const cipherExample = 'tls_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"';

/** `tls_ciphers`, as OpenSSL lists them; they are those of TLS 1.2, for 1.3 leaves no choice. */
export const cipherSchema: z.ZodType<string> = text(cipherExample, 2000).superRefine((value, context) => {
  if (/^[A-Za-z0-9+!\-:@=_]+$/.test(value)) return;
  context.addIssue(complaint(`${JSON.stringify(value)} is no list of ciphers`, `write ${cipherExample}`));
});

const clientExample = 'client_certificates = { ca = "/etc/edge-ha/tls/clients.pem", mode = "require" }';

/** `client_certificates`. */
export const clientCertificatesSchema: z.ZodType<ClientCertificatesEntry> = table(
  {
    ca: filePath('ca = "/etc/edge-ha/tls/clients.pem"'),
    mode: orElse(choice(["require", "optional"], { none: "leave client_certificates out" }), "require"),
  },
  clientExample,
);
