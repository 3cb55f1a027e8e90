import type { z } from "zod";
import { canonicalAddress } from "../../base/address.ts";
import { complaint, filePath, flag, orElse, orNull, table, text } from "./fields.ts";

/** `[[upstream]] tls`: how its servers are spoken to under TLS. */
export interface UpstreamTlsEntry {
  readonly verify: boolean;
  readonly ca: string | null;
  readonly server_name: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}

const example = 'tls = { server_name = "apps.example" }';

/** RFC 6066 §3: names only, for an address is what a certificate is judged by anyway. */
const serverName = text('server_name = "apps.example"', 253)
  .transform((value) => value.toLowerCase())
  .superRefine((value, context) => {
    if (canonicalAddress(value) !== null) {
      context.addIssue(
        complaint(
          `${value} is an address, not a name`,
          "leave it out: certificates are judged by the servers' addresses then",
        ),
      );
    } else if (!/^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/.test(value)) {
      context.addIssue(complaint(`${JSON.stringify(value)} is no host name`, `write ${example}`));
    }
  });

/** `[[upstream]] tls`. */
export const upstreamTlsSchema: z.ZodType<UpstreamTlsEntry> = table(
  {
    verify: orElse(flag("verify = true"), true),
    ca: orNull(filePath('ca = "/etc/edge-ha/tls/apps-ca.pem"')),
    server_name: orNull(serverName),
    certificate: orNull(filePath('certificate = "/etc/edge-ha/tls/edge.pem"')),
    key: orNull(filePath('key = "/etc/edge-ha/tls/edge.key"')),
  },
  example,
);
