import type { z } from "zod";
import type { Endpoint } from "../../base/address.ts";
import type { CheckConfig, Forward } from "../config.ts";
import type { Scheduler, SchedulerFlag, TransportProtocol } from "../service-plan.ts";
import { checksSchema } from "./checks.ts";
import {
  address,
  choice,
  command,
  complaint,
  duration,
  endpoint,
  flag,
  integer,
  listOf,
  name,
  names,
  orElse,
  orNull,
  table,
  text,
} from "./fields.ts";
import { persistenceMaskSchema, type PersistenceMask } from "./persistence-mask.ts";
import { portsSchema } from "./ports.ts";
import { derived } from "./shortcut.ts";

/** A server behind an L4 service. */
export interface ServiceServerEntry {
  readonly address: string;
  readonly port: number | null;
  readonly weight: number;
  readonly forward: Forward | null;
  readonly tunnel: TunnelEntry | null;
  readonly upper_threshold: number;
  readonly lower_threshold: number;
  readonly inhibit: boolean | null;
  readonly slow_start: number | null;
  readonly check: readonly CheckConfig[] | null;
}

/** `tunnel = { type = "gue", port = 5555 }`. */
export interface TunnelEntry {
  readonly type: "ipip" | "gue" | "gre";
  readonly port: number | null;
  readonly checksum: "none" | "full" | "remote";
}

/** `[[service]]`: L4 load balancing. */
export interface ServiceEntry {
  readonly name: string;
  readonly vips: readonly string[];
  readonly addresses: readonly string[];
  readonly address_groups: readonly string[];
  /** Of `port` or `ports`; empty if neither is written. */
  readonly ports: readonly number[];
  readonly fwmark: number | null;
  readonly protocol: TransportProtocol;
  readonly forward: Forward;
  readonly tunnel: TunnelEntry | null;
  readonly scheduler: Scheduler;
  readonly scheduler_flags: readonly SchedulerFlag[];
  readonly one_packet: boolean;
  readonly persistence: number;
  readonly persistence_mask: PersistenceMask | null;
  readonly persistence_engine: "sip" | null;
  readonly sorry: Endpoint | null;
  readonly snat: "servers" | "clients" | null;
  readonly connect_timeout: number | null;
  readonly idle_timeout: number | null;
  readonly proxy_protocol: "v1" | "v2" | null;
  readonly quorum: number | null;
  readonly hysteresis: number;
  readonly quorum_up: readonly string[] | null;
  readonly quorum_down: readonly string[] | null;
  readonly quorum_user: string | null;
  readonly quorum_timeout: number | null;
  readonly alpha: boolean;
  readonly omega: boolean;
  readonly inhibit: boolean;
  readonly slow_start: number;
  readonly damping: DampingEntry | null;
  readonly check: readonly CheckConfig[] | null;
  readonly servers: readonly ServiceServerEntry[];
  readonly server_groups: readonly string[];
}

/** `damping = { changes = 5, within = "5m", hold = "5m" }`. */
export interface DampingEntry {
  readonly changes: number;
  readonly within: number;
  readonly hold: number;
}

/** keepalived's and ipvsadm's words for the ways of forwarding. */
const forwardWords = {
  DR: 'write "dr"',
  gate: 'write "dr"',
  gatewaying: 'write "dr"',
  NAT: 'write "nat"',
  masq: 'write "nat"',
  masquerading: 'write "nat"',
  TUN: 'write "tunnel"',
  tun: 'write "tunnel"',
  ipip: 'write "tunnel"',
};

const forward = choice(["dr", "nat", "tunnel", "proxy"], {}, forwardWords);

/** A server's share, from 0 (no new connections) to what the kernel's table holds. */
export const serverWeightSchema: z.ZodType<number> = integer(0, 65_535, "weight = 1");

const threshold = (key: string): z.ZodType<number> =>
  orElse(integer(0, 2 ** 31 - 1, `${key} = 1000, or 0 for no limit`), 0);

const tunnel: z.ZodType<TunnelEntry> = table(
  {
    type: choice(["ipip", "gue", "gre"]),
    port: orNull(integer(1, 65_535, "port = 5555")),
    checksum: orElse(choice(["none", "full", "remote"]), "none"),
  },
  'tunnel = { type = "ipip" }',
);

const slowStart = duration(0, 86_400_000, 'slow_start = "30s"');

const dampingExample = 'damping = { changes = 5, within = "5m", hold = "5m" }';

const damping: z.ZodType<DampingEntry> = table(
  {
    changes: integer(2, 1000, "changes = 5"),
    within: duration(1000, 86_400_000, 'within = "5m"'),
    hold: duration(1000, 86_400_000, 'hold = "5m"'),
  },
  dampingExample,
);

const serverExample = 'servers = [{ address = "192.0.2.8", weight = 1 }]';

const server: z.ZodType<ServiceServerEntry> = table(
  {
    address: address('address = "192.0.2.8", and the port as port = 80'),
    port: orNull(integer(1, 65_535, "port = 80")),
    weight: orElse(serverWeightSchema, 1),
    forward: orNull(forward),
    tunnel: orNull(tunnel),
    upper_threshold: threshold("upper_threshold"),
    lower_threshold: threshold("lower_threshold"),
    inhibit: orNull(flag("inhibit = true")),
    slow_start: orNull(slowStart),
    check: orNull(checksSchema),
  },
  serverExample,
);

/** The servers of a table that has to have some. */
export const serviceServersSchema: z.ZodType<readonly ServiceServerEntry[]> = listOf(server, {
  kind: "a list of servers",
  example: serverExample,
  least: 1,
});

const tables = table(
  {
    name: name("web"),
    vips: orElse(names("vips"), []),
    addresses: orElse(
      listOf(address('addresses = ["192.0.2.100"]'), {
        kind: "a list of addresses",
        example: 'addresses = ["192.0.2.100"]',
      }),
      [],
    ),
    address_groups: orElse(names("address_groups"), []),
    port: orNull(integer(1, 65_535, "port = 80")),
    ports: orNull(portsSchema),
    fwmark: orNull(integer(1, 2 ** 32 - 1, "fwmark = 1")),
    protocol: orElse(choice(["tcp", "udp", "sctp"]), "tcp"),
    forward,
    tunnel: orNull(tunnel),
    scheduler: orElse(
      choice(["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"]),
      "wrr",
    ),
    scheduler_flags: orElse(
      listOf(choice(["fallback", "port"]), {
        kind: "a list of words",
        example: 'scheduler_flags = ["port"]',
      }),
      [],
    ),
    one_packet: orElse(flag("one_packet = true"), false),
    persistence: orElse(duration(1000, 30 * 86_400_000, 'persistence = "50s"'), 0),
    persistence_mask: orNull(persistenceMaskSchema),
    persistence_engine: orNull(choice(["sip"])),
    sorry: orNull(endpoint('sorry = "192.0.2.9:80"')),
    snat: orNull(choice(["servers", "clients"])),
    connect_timeout: orNull(duration(10, 3_600_000, 'connect_timeout = "5s"')),
    idle_timeout: orNull(duration(100, 86_400_000, 'idle_timeout = "5m"')),
    proxy_protocol: orNull(choice(["v1", "v2"])),
    quorum: orNull(integer(1, 2 ** 31 - 1, "quorum = 2")),
    hysteresis: orElse(integer(0, 2 ** 31 - 1, "hysteresis = 1"), 0),
    quorum_up: orNull(command('quorum_up = "/usr/local/bin/web-is-up"')),
    quorum_down: orNull(command('quorum_down = "/usr/local/bin/web-is-down"')),
    quorum_user: orNull(text('quorum_user = "nobody"', 32)),
    quorum_timeout: orNull(duration(100, 3_600_000, 'quorum_timeout = "30s"')),
    alpha: orElse(flag("alpha = true"), false),
    omega: orElse(flag("omega = true"), false),
    inhibit: orElse(flag("inhibit = true"), false),
    slow_start: orElse(slowStart, 0),
    damping: orNull(damping),
    check: orNull(checksSchema),
    servers: orNull(serviceServersSchema),
    server_groups: orElse(names("server_groups"), []),
  },
  "[[service]]",
);

/** `[[service]]`. */
export const serviceSchema: z.ZodType<ServiceEntry> = derived(
  tables,
  ({ port, ports, servers, ...entry }, complain): ServiceEntry => {
    if (servers === null && entry.server_groups.length === 0)
      complain(["servers"], complaint("is missing", `write ${serverExample}`));
    if (port !== null && ports !== null)
      complain(["ports"], complaint("port and ports are both written", "put all of them into ports"));
    return { ...entry, servers: servers ?? [], ports: ports ?? (port === null ? [] : [port]) };
  },
);
