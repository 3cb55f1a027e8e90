import { z } from "zod";
import type { Prefix } from "../../base/address.ts";
import { type BfdPaceEntry, ownBfdSchema } from "./bfd.ts";
import { authSchema, type AuthEntry } from "./auth.ts";
import {
  advertIntervalSchema,
  downAfterSchema,
  garpSchema,
  groupSchema,
  preemptDelaySchema,
  startupDelaySchema,
  versionSchema,
  type GarpEntry,
  checksumSchema,
  group6Schema,
  type ChecksumWord,
} from "./cluster.ts";
import {
  address,
  complaint,
  flag,
  integer,
  isInterfaceName,
  name,
  names,
  orElse,
  orNull,
  table,
  virtualAddress,
  wants,
} from "./fields.ts";
import { holdings, labelSchema, type HoldingsEntry } from "./holdings.ts";
import { type OwnNotifyEntry, ownNotifySchema } from "./notify.ts";
import { interfacePerNode, type PerNode, perNode } from "./per-node.ts";
import {
  peersSchema,
  transport,
  transportWordSchema,
  type PeersEntry,
  type TransportEntry,
  type TransportWord,
} from "./transport.ts";

/** What `[[vip]]` and `[[vrrp]]` share; null is what `[cluster]` says. */
interface RouterEntry extends TransportEntry, HoldingsEntry {
  readonly name: string;
  readonly advert_interval: number | null;
  readonly down_after: number | null;
  readonly preempt: boolean | null;
  readonly preempt_delay: number | null;
  readonly startup_delay: number | null;
  readonly skip_check_addresses: boolean | null;
  readonly accept: boolean | null;
  readonly strict: boolean | null;
  /** True for an interface with a name made up for it, or its name. */
  readonly virtual_mac: boolean | string | null;
  readonly auth: AuthEntry | null;
  readonly group: string | null;
  readonly group6: string | null;
  readonly checksum: ChecksumWord | null;
  readonly nodad: boolean | null;
  readonly garp: GarpEntry | null;
  /** False switches off what the cluster says. */
  readonly bfd: BfdPaceEntry | false | null;
  readonly label: string | null;
  readonly track: readonly string[] | null;
  /** Programs told of this one's changes, before those of `[notify]`. */
  readonly notify: OwnNotifyEntry | null;
}

/** `[[vip]]`: an address that the nodes hold in an order of preference. */
export interface VipEntry extends RouterEntry {
  readonly address: Prefix;
  readonly addresses: readonly Prefix[];
  readonly interface: PerNode<string> | null;
  readonly vrid: number | null;
  readonly prefer: readonly string[];
  readonly peers: TransportWord | null;
}

/** `[[vrrp]]`: a virtual router spelled out, to join one that others run. */
export interface VrrpEntry extends RouterEntry {
  readonly nodes: readonly string[] | null;
  readonly priority: PerNode<number>;
  readonly interface: PerNode<string>;
  readonly vrid: number;
  readonly version: 2 | 3 | null;
  readonly addresses: readonly Prefix[];
  readonly source: PerNode<string> | null;
  readonly peers: PeersEntry | null;
}

/** `[[sync_group]]`: virtual routers that move together. */
export interface SyncGroupEntry {
  readonly name: string;
  readonly vips: readonly string[];
  /** Tracks that concern the whole group; null where they concern whom they would without a group. */
  readonly track: readonly string[] | null;
  readonly notify: OwnNotifyEntry | null;
}

const interfaceExample = 'interface = "eth1", or interface = { lb1 = "eth1", lb2 = "ens3" }';
const interfaceSchema = interfacePerNode(interfaceExample);

const virtualMacExample = 'virtual_mac = true, or the name of its interface, as in virtual_mac = "vrrp51"';
const virtualMacSchema: z.ZodType<boolean | string> = z.unknown().transform((value, context) => {
  if (typeof value === "boolean") return value;
  if (typeof value === "string" && isInterfaceName(value)) return value;
  context.addIssue(wants("true, false or an interface name", virtualMacExample)({ input: value }));
  return z.NEVER;
});

const ownerNote = "priority = 1 to 254, or 255 for a node whose own address it is";
const priorityExample = "priority = { lb1 = 150, lb2 = 100 }";
const prioritySchema = perNode(
  integer(1, 255, ownerNote),
  integer(1, 255, ownerNote),
  wants("a number or a table of numbers", priorityExample),
);

const sourceExample = 'source = { lb1 = "192.0.2.10", lb2 = "192.0.2.11" }';
const sourceSchema = perNode(
  address(sourceExample),
  address(sourceExample),
  wants("an address", sourceExample),
);

const vridSchema = integer(1, 255, "vrid = 1 to 255");

/** RFC 9568 §5.2.5: the packet counts its addresses in one byte. */
const mostAddresses = 255;
const tooMany = complaint(
  `an advertisement lists at most ${mostAddresses} addresses`,
  "write the others in extra_addresses, which move along and are not advertised",
);
const virtualAddresses = z.array(virtualAddress('addresses = ["192.0.2.100/24"]'), {
  error: wants("a list of addresses", 'addresses = ["192.0.2.100/24"]'),
});

const router = {
  name: name("public-1"),
  advert_interval: orNull(advertIntervalSchema),
  down_after: orNull(downAfterSchema),
  preempt: orNull(flag("preempt = false")),
  preempt_delay: orNull(preemptDelaySchema),
  startup_delay: orNull(startupDelaySchema),
  accept: orNull(flag("accept = false")),
  strict: orNull(flag("strict = true")),
  skip_check_addresses: orNull(flag("skip_check_addresses = true")),
  virtual_mac: orNull(virtualMacSchema),
  auth: orNull(authSchema),
  group: orNull(groupSchema),
  group6: orNull(group6Schema),
  checksum: orNull(checksumSchema),
  nodad: orNull(flag("nodad = false")),
  garp: orNull(garpSchema),
  bfd: orNull(ownBfdSchema),
  label: orNull(labelSchema),
  track: orNull(names("track")),
  notify: orNull(ownNotifySchema),
  ...holdings,
  ...transport,
};

/** `[[vip]]`. */
export const vipSchema: z.ZodType<VipEntry> = table(
  {
    ...router,
    address: virtualAddress('address = "192.0.2.100/24"'),
    addresses: orElse(virtualAddresses.max(mostAddresses - 1, { error: tooMany }), []),
    interface: orNull(interfaceSchema),
    vrid: orNull(vridSchema),
    prefer: names("prefer", 1),
    peers: orNull(transportWordSchema),
  },
  "[[vip]]",
);

/** `[[vrrp]]`. */
export const vrrpSchema: z.ZodType<VrrpEntry> = table(
  {
    ...router,
    nodes: orNull(names("nodes", 1)),
    priority: prioritySchema,
    interface: interfaceSchema,
    vrid: vridSchema,
    version: orNull(versionSchema),
    addresses: virtualAddresses
      .min(1, { error: complaint("is an empty list", 'write addresses = ["192.0.2.100/24"]') })
      .max(mostAddresses, { error: tooMany }),
    source: orNull(sourceSchema),
    peers: orNull(peersSchema),
  },
  "[[vrrp]]",
);

/** `[[sync_group]]`. */
export const syncGroupSchema: z.ZodType<SyncGroupEntry> = table(
  {
    name: name("VG_1"),
    vips: names("vips", 1),
    track: orNull(names("track")),
    notify: orNull(ownNotifySchema),
  },
  "[[sync_group]]",
);
