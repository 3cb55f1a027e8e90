import { readFileSync } from "node:fs";
import type { UpstreamTlsPlan } from "../../config/http-plan.ts";
import { hasCode } from "../../base/system-error.ts";
import { trustedBundle } from "../../base/trusted-bundle.ts";

/** What the runtime wants for a connection under TLS. */
export interface UpstreamTlsOptions {
  readonly rejectUnauthorized: boolean;
  /** Empty names nobody in the handshake. */
  readonly serverName: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** How connections to the servers of an upstream are secured. */
export interface UpstreamTls {
  readonly options: UpstreamTlsOptions;
  /** The same for the same settings and the same contents of the files. */
  readonly mark: string;
}

/** Makes the settings of an upstream ready. */
export function upstreamTls(
  plan: UpstreamTlsPlan,
  credentials: Readonly<Record<string, string>>,
): UpstreamTls {
  const { ca, identity, serverName, verifies } = plan;
  // The runtime's own list is as old as this program; the host's is what its operator looks after.
  const bundle = trustedBundle();
  const authorities =
    ca !== null ? credentials[ca] : verifies && bundle !== null ? readFileSync(bundle, "latin1") : undefined;
  const options = {
    rejectUnauthorized: verifies,
    serverName: serverName ?? "",
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(identity === null
      ? {}
      : { cert: credentials[identity.certificate] ?? "", key: credentials[identity.key] ?? "" }),
  };
  return { options, mark: new Bun.CryptoHasher("sha256").update(JSON.stringify(options)).digest("hex") };
}

/** Gives the settings for a server that was found by a name: it is named, and its certificate has to be for that. */
export function forServer(tls: UpstreamTls, name: string | null): UpstreamTls {
  const { mark, options } = tls;
  if (name === null || options.serverName !== "") return tls;
  return { options: { ...options, serverName: name }, mark: `${mark} ${name}` };
}

/**
 * Says why a server with which keys were agreed on, or not, cannot be talked to; null if it can. The runtime judges its
 * certificate: by authority, by time, and by the name it was given, else by the address it was told to connect to.
 */
export function serverRefusal(
  { rejectUnauthorized }: UpstreamTlsOptions,
  hasFailed: boolean,
  complaint: Error | null,
): string | null {
  if (rejectUnauthorized) return hasFailed || complaint !== null ? reasonOf(complaint) : null;
  // What is wrong with the certificate is reported as a failure too, though there are keys.
  return hasFailed && (complaint === null || hasCode(complaint, "EPROTO")) ? reasonOf(complaint) : null;
}

function reasonOf(complaint: Error | null): string {
  if (complaint === null) return "the server ended the TLS handshake";
  if (complaint.message.includes("WRONG_VERSION_NUMBER")) return "the server does not speak TLS";
  return complaint.message;
}
