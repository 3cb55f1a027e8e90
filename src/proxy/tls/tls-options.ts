import type { TlsListenerPlan } from "../../config/http-plan.ts";

/** Versions as they stand in a record (RFC 8446 §4.2.1). */
const versions = { "1.2": 0x0303, "1.3": 0x0304 };

/** Length-prefixed names, as the handshake has them (RFC 7301 §3.1). */
function protocolList(names: readonly string[]): string {
  return names.map((name) => `${String.fromCharCode(name.length)}${name}`).join("");
}

/** What the runtime wants for a listening socket; its types do not know all of it. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: number;
  readonly ALPNProtocols: string;
  readonly ciphers?: string;
  readonly ca?: string;
  readonly requestCert?: true;
  /** We judge ourselves, and say in words what is wrong. */
  readonly rejectUnauthorized?: false;
}

/** Makes what a listening socket keeps for as long as it is open; `protocols` are offered in this order. */
export function tlsOptions(
  plan: TlsListenerPlan,
  credentials: Readonly<Record<string, string>>,
  protocols: readonly string[],
): TlsOptions {
  const [first] = plan.certificates;
  return {
    cert: credentials[first?.certificate ?? ""] ?? "",
    key: credentials[first?.key ?? ""] ?? "",
    minVersion: versions[plan.minVersion],
    ALPNProtocols: protocolList(protocols),
    ...(plan.ciphers === null ? {} : { ciphers: plan.ciphers }),
    ...(plan.clients === null
      ? {}
      : { ca: credentials[plan.clients.ca] ?? "", requestCert: true, rejectUnauthorized: false }),
  };
}
