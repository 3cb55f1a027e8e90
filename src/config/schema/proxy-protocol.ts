import { z } from "zod";
import { networkOf, type Prefix } from "../../base/address.ts";
import { complaint, duration, orElse, prefix, table, wants } from "./fields.ts";

/** `proxy_protocol` of a listener: who says first whom he speaks for. */
export interface ProxyProtocolEntry {
  readonly from: readonly Prefix[];
  readonly timeout: number;
}

const example = 'proxy_protocol = { from = ["192.0.2.0/24"] }';

/** `proxy_protocol` of a listener. */
export const proxyProtocolSchema: z.ZodType<ProxyProtocolEntry> = table(
  {
    from: z
      .array(prefix('from = ["192.0.2.0/24"]').transform(networkOf), {
        error: wants("a list of addresses and networks", 'from = ["192.0.2.0/24"]'),
      })
      .min(1, { error: complaint("is an empty list", 'write the balancers that send it, from = ["…"]') }),
    timeout: orElse(duration(100, 3_600_000, 'timeout = "5s"'), 5_000),
  },
  example,
);
