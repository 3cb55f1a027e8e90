import { z } from "zod";
import type { Endpoint } from "../../base/address.ts";
import { checkSchema, type CheckEntry } from "./check.ts";
import {
  address,
  choice,
  duration,
  endpoint,
  integer,
  name,
  names,
  orElse,
  orNull,
  table,
  wants,
} from "./fields.ts";

/** A server behind an L4 service. */
export interface ServiceServerEntry {
  readonly address: string;
  readonly port: number | null;
  readonly weight: number;
  readonly check: CheckEntry | null;
}

/** `[[service]]`: L4 load balancing. */
export interface ServiceEntry {
  readonly name: string;
  readonly vips: readonly string[];
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: "tcp";
  readonly forward: "dr" | "proxy";
  readonly scheduler: "rr" | "wrr";
  readonly persistence: number;
  readonly sorry: Endpoint | null;
  readonly connect_timeout: number | null;
  readonly check: CheckEntry | null;
  readonly servers: readonly ServiceServerEntry[];
}

const laterForward = {
  nat: 'write "dr" with the VIP on the servers (edge-ha rs), or "proxy"',
  tunnel: 'write "dr" with the servers on this network, or "proxy"',
  tun: 'write "dr" with the servers on this network, or "proxy"',
};

const useRoundRobin = 'write "rr" or "wrr"';
const laterSchedulers = Object.fromEntries(
  ["lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"].map((word) => [
    word,
    useRoundRobin,
  ]),
);

const laterProtocols = { udp: "remove the service", sctp: "remove the service" };

/** A server's share, from 0 (no new connections) to what the kernel's table holds. */
export const serverWeightSchema: z.ZodType<number> = integer(0, 65_535, "weight = 1");

const serverExample = 'servers = [{ address = "192.0.2.8", weight = 1 }]';

const server: z.ZodType<ServiceServerEntry> = table(
  {
    address: address('address = "192.0.2.8", and the port as port = 80'),
    port: orNull(integer(1, 65_535, "port = 80")),
    weight: orElse(serverWeightSchema, 1),
    check: orNull(checkSchema),
  },
  serverExample,
);

/** `[[service]]`. */
export const serviceSchema: z.ZodType<ServiceEntry> = table(
  {
    name: name("web"),
    vips: orElse(names("vips"), []),
    addresses: orElse(
      z.array(address('addresses = ["192.0.2.100"]'), {
        error: wants("a list of addresses", 'addresses = ["192.0.2.100"]'),
      }),
      [],
    ),
    port: integer(1, 65_535, "port = 80"),
    protocol: orElse(choice(["tcp"], laterProtocols), "tcp"),
    forward: choice(["dr", "proxy"], laterForward),
    scheduler: orElse(choice(["rr", "wrr"], laterSchedulers), "wrr"),
    persistence: orElse(duration(1000, 30 * 86_400_000, 'persistence = "50s"'), 0),
    sorry: orNull(endpoint('sorry = "192.0.2.9:80"')),
    connect_timeout: orNull(duration(10, 3_600_000, 'connect_timeout = "5s"')),
    check: orNull(checkSchema),
    servers: z
      .array(server, { error: wants("a list of servers", serverExample) })
      .min(1, { error: `is an empty list\u001fwrite ${serverExample}` }),
  },
  "[[service]]",
);
