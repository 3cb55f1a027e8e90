import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { namesOf } from "../../base/certificate-file.ts";
import type { TlsListenerPlan } from "../../config/http-plan.ts";

/** What the runtime wants of us for a connection: its own form of a certificate with its key. */
export type NativeContext = object;

/**
 * The certificates of one listener. They are chosen for each connection by the name the client asks for (RFC 6066 §3), so
 * that others come into force without a listening socket or a connection being closed.
 */
export class CertificateBook {
  private readonly exact = new Map<string, NativeContext>();
  /** By what stands behind the asterisk's dot. */
  private readonly wildcards = new Map<string, NativeContext>();

  /** Throws, naming the file, if one of them is none. */
  constructor(plan: TlsListenerPlan, credentials: Readonly<Record<string, string>>) {
    // The runtime goes by what stands beside the certificate it shows, not by what the listener was opened with.
    const settings = {
      minVersion: `TLSv${plan.minVersion}` as const,
      ...(plan.ciphers === null ? {} : { ciphers: plan.ciphers }),
      ...(plan.clients === null ? {} : { ca: credentials[plan.clients.ca] ?? "" }),
    };
    for (const { certificate, key } of plan.certificates) {
      const cert = credentials[certificate] ?? "";
      const context = contextOf(certificate, { cert, key: credentials[key] ?? "", ...settings });
      for (const name of namesOf(new X509Certificate(cert))) {
        const table = name.startsWith("*.") ? this.wildcards : this.exact;
        const bare = name.startsWith("*.") ? name.slice(2) : name;
        if (!table.has(bare)) table.set(bare, context);
      }
    }
  }

  /** Gives the certificate for a host name: one that has the name itself, then a wildcard of one label; null takes the listener's first. */
  find(serverName: string): NativeContext | null {
    const name = serverName.toLowerCase();
    const exact = this.exact.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf(".");
    return dot < 0 ? null : (this.wildcards.get(name.slice(dot + 1)) ?? null);
  }
}

function contextOf(path: string, options: SecureContextOptions): NativeContext {
  try {
    return (createSecureContext(options) as { readonly context: NativeContext }).context;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
