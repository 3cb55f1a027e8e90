import { z } from "zod";
import {
  complaint,
  duration,
  flag,
  integer,
  name,
  names,
  orElse,
  orNull,
  parseEndpoint,
  table,
  wants,
} from "./fields.ts";
import { listenerPolicy, type ListenerPolicyEntry } from "./listener-policy.ts";
import { headLimitsSchema, type HeadLimitsEntry } from "./head-limits.ts";
import { proxyProtocolSchema, type ProxyProtocolEntry } from "./proxy-protocol.ts";
import { slowClientsSchema, type SlowClientsEntry } from "./slow-clients.ts";
import {
  certificatesSchema,
  cipherSchema,
  clientCertificatesSchema,
  tlsVersionSchema,
  type CertificateEntry,
  type ClientCertificatesEntry,
  type TlsVersion,
} from "./tls.ts";

/** `[[listener]]`: an L7 listening address; null is every one. */
export interface ListenerEntry extends ListenerPolicyEntry {
  readonly name: string;
  readonly address: { readonly address: string | null; readonly port: number };
  readonly vips: readonly string[];
  readonly head_timeout: number;
  readonly idle_timeout: number;
  readonly tls: readonly CertificateEntry[] | null;
  readonly tls_min_version: TlsVersion;
  readonly tls_ciphers: string | null;
  readonly client_certificates: ClientCertificatesEntry | null;
  readonly proxy_protocol: ProxyProtocolEntry | null;
  readonly http2: boolean;
  readonly http3: boolean;
  readonly alt_svc: number | null;
  readonly limits: HeadLimitsEntry;
  readonly slow_clients: SlowClientsEntry;
  readonly max_connections: number | null;
  readonly max_connections_per_source: number | null;
}

const listenExample = 'address = ":80", or address = "192.0.2.1:80"';

const listenAddress = z
  .string({ error: wants("an address with a port, in quotes", listenExample) })
  .transform((value, context): ListenerEntry["address"] => {
    const every = /^\*?:(\d{1,5})$/.exec(value);
    const port = Number(every?.[1] ?? 0);
    if (port >= 1 && port <= 65_535) return { address: null, port };
    const found = parseEndpoint(value);
    if (found !== null) return found;
    context.addIssue(
      complaint(`${JSON.stringify(value)} is no address with a port`, `write ${listenExample}`),
    );
    return z.NEVER;
  });

/** `[[listener]]`; the defaults of the timeouts are nginx's. */
export const listenerSchema: z.ZodType<ListenerEntry> = table(
  {
    name: name("http"),
    address: listenAddress,
    vips: orElse(names("vips", 1), []),
    head_timeout: orElse(duration(100, 3_600_000, 'head_timeout = "60s"'), 60_000),
    idle_timeout: orElse(duration(100, 86_400_000, 'idle_timeout = "75s"'), 75_000),
    tls: orNull(certificatesSchema),
    tls_min_version: tlsVersionSchema,
    tls_ciphers: orNull(cipherSchema),
    client_certificates: orNull(clientCertificatesSchema),
    proxy_protocol: orNull(proxyProtocolSchema),
    http2: orElse(flag("http2 = true"), false),
    http3: orElse(flag("http3 = true"), false),
    alt_svc: orNull(duration(0, 31_536_000_000, 'alt_svc = "1d"')),
    ...listenerPolicy,
    limits: headLimitsSchema,
    slow_clients: slowClientsSchema,
    max_connections: orNull(integer(1, 10_000_000, "max_connections = 10000")),
    max_connections_per_source: orNull(integer(1, 10_000_000, "max_connections_per_source = 100")),
  },
  "[[listener]]",
);
