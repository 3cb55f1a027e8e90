import { z } from "zod";
import { familyOf, type Prefix } from "../../base/address.ts";
import type { AddressScope, VirtualRoutePlan, VirtualRulePlan } from "../node-plan.ts";
import {
  address,
  choice,
  complaint,
  flag,
  integer,
  isHostAddress,
  orElse,
  orNull,
  prefix,
  table,
  text,
  wants,
  interfaceName,
} from "./fields.ts";
import { interfacePerNode, type PerNode } from "./per-node.ts";

/** What a `[[vip]]` or `[[vrrp]]` has while it is active, beside the addresses it advertises. */
export interface HoldingsEntry {
  readonly scope: AddressScope | null;
  readonly extra_addresses: readonly ExtraAddressEntry[];
  readonly routes: readonly VirtualRouteEntry[];
  readonly rules: readonly VirtualRuleEntry[];
}

/** An address that is held and announced, and not advertised. */
export interface ExtraAddressEntry {
  readonly address: Prefix;
  readonly interface: PerNode<string> | null;
  readonly label: string | null;
  readonly scope: AddressScope | null;
}

/** A route; `default` has no family of its own. */
export interface VirtualRouteEntry {
  readonly destination: Prefix | "default";
  readonly type: VirtualRoutePlan["type"];
  readonly via: string | null;
  readonly interface: PerNode<string> | null;
  readonly source: string | null;
  readonly metric: number | null;
  readonly table: number | string;
  readonly on_link: boolean;
}

/** A rule of the routing policy. */
export interface VirtualRuleEntry {
  readonly priority: number;
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly iif: string | null;
  readonly oif: string | null;
  readonly mark: VirtualRulePlan["mark"];
  readonly family: 4 | 6 | null;
  readonly type: VirtualRulePlan["action"]["kind"];
  readonly table: number | string | null;
}

/** A label of an address, as the kernel takes it. */
export const labelSchema: z.ZodType<string> = text('label = "eth1:vip"', 15).superRefine((value, context) => {
  if (new TextEncoder().encode(value).length > 15 || /\s/.test(value)) {
    context.addIssue(
      complaint(
        "cannot be an address label",
        'write at most 15 bytes without space, as in label = "eth1:vip"',
      ),
    );
  }
});

const scopeSchema = choice(["global", "site", "link", "host"]);
const extraExample = 'extra_addresses = ["192.0.2.101/24"]';

const hostPrefix = prefix(extraExample).superRefine((value, context) => {
  const isHost =
    familyOf(value.address) === 6 ? !/^(ff|::1?$)/.test(value.address) : isHostAddress(value.address);
  if (!isHost)
    context.addIssue(complaint(`${value.address} is no address of a host`, `write ${extraExample}`));
});

const extraAddress = z.preprocess(
  (value) => (typeof value === "string" ? { address: value } : value),
  table(
    {
      address: hostPrefix,
      interface: orNull(interfacePerNode('interface = "eth1"')),
      label: orNull(labelSchema),
      scope: orNull(scopeSchema),
    },
    extraExample,
  ),
);

const tableExample = 'table = 100, or table = "uplink" as in /etc/iproute2/rt_tables';
const builtInTables: Readonly<Record<string, number>> = { default: 253, main: 254, local: 255 };

/** A routing table's number, or its name on the node. */
export const routingTable: z.ZodType<number | string> = z
  .unknown()
  .transform((value, context): number | string => {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 0xffff_ffff)
      return value;
    if (typeof value === "string" && /^[A-Za-z_][\w.-]{0,62}$/.test(value))
      return builtInTables[value] ?? value;
    const isNear = typeof value === "number" || typeof value === "string";
    context.addIssue(
      isNear
        ? complaint(`${JSON.stringify(value)} is no routing table`, `write ${tableExample}`)
        : wants("a number or a name", tableExample)({ input: value }),
    );
    return z.NEVER;
  });

const routeExample = 'routes = [{ destination = "198.51.100.0/24", via = "192.0.2.1" }]';

/** What a route leads to. */
export function routeDestination(example: string): z.ZodType<Prefix | "default"> {
  return z.union([z.literal("default"), prefix(example)], {
    error: wants('"default", or a network in quotes', example),
  });
}

const route: z.ZodType<VirtualRouteEntry> = table(
  {
    destination: routeDestination('destination = "198.51.100.0/24"'),
    type: orElse(choice(["unicast", "blackhole", "unreachable", "prohibit", "throw"]), "unicast"),
    via: orNull(address('via = "192.0.2.1"')),
    interface: orNull(interfacePerNode('interface = "eth1"')),
    source: orNull(address('source = "192.0.2.100"')),
    metric: orNull(integer(0, 0xffff_ffff, "metric = 100")),
    table: orElse(routingTable, 254),
    on_link: orElse(flag("on_link = true"), false),
  },
  routeExample,
);

const markExample = 'mark = 16, or mark = "0x10/0xff"';
const mark = z.unknown().transform((value, context): NonNullable<VirtualRulePlan["mark"]> => {
  const numbers = (typeof value === "number" ? `${value}` : typeof value === "string" ? value : "")
    .split("/")
    .map((word) => (/^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/.test(word) ? Number(word) : -1));
  const [bits = -1, mask = 0xffff_ffff] = numbers;
  if (numbers.length <= 2 && numbers.every((number) => number >= 0 && number <= 0xffff_ffff))
    return { value: bits, mask };
  context.addIssue(wants("a packet mark of 32 bits", markExample)({ input: value }));
  return z.NEVER;
});

const ruleExample = 'rules = [{ from = "192.0.2.100", table = 100, priority = 1000 }]';

const rule: z.ZodType<VirtualRuleEntry> = table(
  {
    priority: integer(1, 0xffff_ffff, "priority = 1000"),
    from: orNull(prefix('from = "192.0.2.100"')),
    to: orNull(prefix('to = "198.51.100.0/24"')),
    iif: orNull(interfaceName('iif = "eth1"')),
    oif: orNull(interfaceName('oif = "eth1"')),
    mark: orNull(mark),
    family: orNull(z.union([z.literal(4), z.literal(6)], { error: wants("4 or 6", "family = 6") })),
    type: orElse(choice(["table", "blackhole", "unreachable", "prohibit"]), "table"),
    table: orNull(routingTable),
  },
  ruleExample,
);

function listOf<T>(one: z.ZodType<T>, most: number, example: string): z.ZodType<readonly T[]> {
  const list = z.array(one, { error: wants("a list", example) }).max(most, {
    error: complaint(`has more than ${most} entries`, "divide them among several virtual routers"),
  });
  return orElse<readonly T[]>(list, []);
}

/** The keys of `HoldingsEntry`. */
export const holdings: {
  readonly scope: z.ZodType<AddressScope | null>;
  readonly extra_addresses: z.ZodType<readonly ExtraAddressEntry[]>;
  readonly routes: z.ZodType<readonly VirtualRouteEntry[]>;
  readonly rules: z.ZodType<readonly VirtualRuleEntry[]>;
} = {
  scope: orNull(scopeSchema),
  extra_addresses: listOf(extraAddress, 4096, extraExample),
  routes: listOf(route, 4096, routeExample),
  rules: listOf(rule, 1024, ruleExample),
};
