import { X509Certificate } from "node:crypto";
import type { TlsListenerPlan } from "../../config/http-plan.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { Wire } from "../sockets.ts";

/** What a client's certificate comes to. */
export interface ClientIdentity {
  /** Field lines for the server, in the words of nginx's variables; empty where no certificate is asked for. */
  readonly fields: string;
  /** Answers everything that comes over the connection; null lets it pass. */
  readonly refusal: Answer | null;
}

/** What a socket under TLS tells of its peer, beyond the runtime's types. */
interface PeerKnowledge {
  readonly authorized: boolean;
  getAuthorizationError(): { readonly code?: string } | null | undefined;
  getPeerCertificate(): { readonly raw?: Uint8Array } | null | undefined;
}

const nobody: ClientIdentity = { fields: "", refusal: null };

/** Judges the certificate of a client whose handshake is complete. */
export function identify(wire: Wire, clients: TlsListenerPlan["clients"]): ClientIdentity {
  if (clients === null) return nobody;
  const peer = wire as unknown as PeerKnowledge;
  const raw = peer.getPeerCertificate()?.raw;
  const isMissing = raw === undefined || raw.length === 0;
  const refusal = clients.mode === "require" ? plainAnswer(400) : null;
  if (isMissing) return { fields: "X-SSL-Client-Verify: NONE\r\n", refusal };
  if (!peer.authorized) {
    const reason = (peer.getAuthorizationError()?.code ?? "untrusted").replace(/[^A-Z0-9_]/gi, "");
    // One that is shown has to be good, also where none is required.
    return { fields: `X-SSL-Client-Verify: FAILED:${reason}\r\n`, refusal: plainAnswer(400) };
  }
  const certificate = new X509Certificate(raw);
  return {
    fields:
      `X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-S-DN: ${subjectOf(certificate)}\r\n` +
      `X-SSL-Client-Serial: ${certificate.serialNumber}\r\n` +
      `X-SSL-Client-Fingerprint: ${certificate.fingerprint.replaceAll(":", "").toLowerCase()}\r\n`,
    refusal: null,
  };
}

/** Writes a subject as RFC 4514 does: the most special part first, on one line, in ASCII. */
function subjectOf({ subject }: X509Certificate): string {
  const parts = subject.split("\n").toReversed().join(",");
  return parts.replace(/[^ -~]/g, (c) =>
    [...Buffer.from(c)].map((b) => `\\${b.toString(16).padStart(2, "0")}`).join(""),
  );
}
