import { createPrivateKey, X509Certificate } from "node:crypto";
import type { SNIEntry } from "node:quic";
import { namesOf } from "../../base/certificate-file.ts";
import type { TlsListenerPlan } from "../../config/http-plan.ts";

/** Gives the certificates of a listener by the names that they are for, in the runtime's form; `*` is for all other names. */
export function identitiesOf(
  plan: TlsListenerPlan,
  credentials: Readonly<Record<string, string>>,
): Record<string, SNIEntry> {
  const identities: Record<string, SNIEntry> = {};
  for (const { certificate, key } of plan.certificates) {
    const chain = credentials[certificate] ?? "";
    const identity = {
      certs: [Buffer.from(chain, "latin1")],
      keys: [createPrivateKey(credentials[key] ?? "")],
      // It would be told to clients that they may use the connection for these hosts without a question to anybody.
      authoritative: false,
    };
    for (const name of ["*", ...namesOf(new X509Certificate(chain))]) identities[name] ??= identity;
  }
  return identities;
}
