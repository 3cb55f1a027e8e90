import type { z } from "zod";
import { errorAt, type Finding, type KeyPath } from "./finding.ts";
import { foreignWord } from "./foreign-words.ts";
import { notBuilt } from "./not-built.ts";
import { SectionMemory } from "./section-memory.ts";
import {
  clusterSchema,
  nodeSchema,
  proxySchema,
  type ClusterEntry,
  type NodeEntry,
  type ProxyEntry,
} from "./schema/cluster.ts";
import { splitComplaint } from "./schema/fields.ts";
import { listenerSchema, type ListenerEntry } from "./schema/listener.ts";
import { siteSchema, type SiteEntry } from "./schema/site.ts";
import { upstreamSchema, type UpstreamEntry } from "./schema/upstream.ts";
import { bfdSessionSchema, type BfdSessionEntry } from "./schema/bfd-session.ts";
import { ipvsSchema, syncDaemonSchema, type IpvsEntry, type SyncDaemonEntry } from "./schema/ipvs.ts";
import {
  addressGroupSchema,
  serverGroupSchema,
  type AddressGroupEntry,
  type ServerGroupEntry,
} from "./schema/groups.ts";
import { notifySchema, type NotifyEntry } from "./schema/notify.ts";
import { realServerSchema, type RealServerEntry } from "./schema/real-server.ts";
import { doubt, shortcutOf } from "./schema/shortcut.ts";
import { serviceSchema, type ServiceEntry } from "./schema/service.ts";
import { trackSchema, type TrackEntry } from "./schema/track.ts";
import {
  syncGroupSchema,
  vipSchema,
  vrrpSchema,
  type SyncGroupEntry,
  type VipEntry,
  type VrrpEntry,
} from "./schema/vrrp.ts";
import { closest } from "./suggestion.ts";
import { textOf } from "./toml-chunks.ts";
import { plainValue, type TomlNode, type TomlTable } from "./toml-tree.ts";

/** A table of the file that follows the schema, and where it stands. */
export interface Element<T> {
  readonly path: KeyPath;
  readonly value: T;
}

/**
 * The file table by table, each checked by itself: one that breaks the schema is missing here and the others are still
 * held against the rules, so that the operator sees all errors at once.
 */
export interface Sections {
  readonly cluster: Element<ClusterEntry> | null;
  readonly nodes: readonly Element<NodeEntry>[];
  readonly vips: readonly Element<VipEntry>[];
  readonly vrrps: readonly Element<VrrpEntry>[];
  readonly syncGroups: readonly Element<SyncGroupEntry>[];
  readonly tracks: readonly Element<TrackEntry>[];
  readonly bfds: readonly Element<BfdSessionEntry>[];
  readonly notify: Element<NotifyEntry> | null;
  /** With what their groups say, see service-groups.ts. */
  readonly services: readonly Element<ServiceEntry>[];
  readonly addressGroups: readonly Element<AddressGroupEntry>[];
  readonly serverGroups: readonly Element<ServerGroupEntry>[];
  readonly listeners: readonly Element<ListenerEntry>[];
  readonly upstreams: readonly Element<UpstreamEntry>[];
  readonly sites: readonly Element<SiteEntry>[];
  readonly syncDaemon: Element<SyncDaemonEntry> | null;
  readonly ipvs: Element<IpvsEntry> | null;
  readonly proxy: Element<ProxyEntry> | null;
  readonly realServer: Element<RealServerEntry> | null;
  /** Whether no table is missing for a break of the schema. */
  readonly areWhole: boolean;
}

/** How many tables of one kind a file may have: far above need, so that a runaway generator is told early. */
const mostElements: Readonly<Record<string, number>> = {
  node: 64,
  vip: 4096,
  vrrp: 4096,
  sync_group: 4096,
  track: 256,
  bfd: 256,
  service: 16_384,
  address_group: 16_384,
  server_group: 16_384,
  listener: 1024,
  upstream: 16_384,
  site: 16_384,
};

const single: readonly string[] = ["cluster", "notify", "sync_daemon", "ipvs", "proxy", "real_server"];
const topLevel: readonly string[] = [...single, ...Object.keys(mostElements)];

/** Holds every table of a file against its schema. */
export function readSections(
  tree: TomlTable,
  findings: Finding[],
  memory: SectionMemory = new SectionMemory(),
): Sections {
  const before = findings.length;
  memory.begin();
  let broken = 0;
  const list = <T>(key: string, schema: z.ZodType<T>): readonly Element<T>[] => {
    const found = elementsOf(tree, key, findings);
    const read = found.flatMap(({ path, node }) => readElement(schema, { path, node }, { findings, memory }));
    broken += found.length - read.length;
    return read;
  };
  refuseUnknownTables(tree, findings);
  const sections = {
    cluster: list("cluster", clusterSchema)[0] ?? null,
    nodes: list("node", nodeSchema),
    vips: list("vip", vipSchema),
    vrrps: list("vrrp", vrrpSchema),
    syncGroups: list("sync_group", syncGroupSchema),
    tracks: list("track", trackSchema),
    bfds: list("bfd", bfdSessionSchema),
    notify: list("notify", notifySchema)[0] ?? null,
    services: list("service", serviceSchema),
    addressGroups: list("address_group", addressGroupSchema),
    serverGroups: list("server_group", serverGroupSchema),
    listeners: list("listener", listenerSchema),
    upstreams: list("upstream", upstreamSchema),
    sites: list("site", siteSchema),
    syncDaemon: list("sync_daemon", syncDaemonSchema)[0] ?? null,
    ipvs: list("ipvs", ipvsSchema)[0] ?? null,
    proxy: list("proxy", proxySchema)[0] ?? null,
    realServer: list("real_server", realServerSchema)[0] ?? null,
  };
  const isMissingKind = findings
    .slice(before)
    .some((finding) => finding.path.length === 1 && topLevel.includes(String(finding.path[0])));
  return { ...sections, areWhole: broken === 0 && !isMissingKind };
}

interface RawElement {
  readonly path: KeyPath;
  readonly node: TomlNode;
}

function refuseUnknownTables(tree: TomlTable, findings: Finding[]): void {
  for (const key of tree.entries.keys()) {
    if (!topLevel.includes(key)) findings.push(unknownKey([], key, topLevel));
  }
}

/** Finds the tables of one kind; a single `[x]` where `[[x]]` is meant, and the other way round, are errors. */
function elementsOf(tree: TomlTable, key: string, findings: Finding[]): readonly RawElement[] {
  const node = tree.entries.get(key)?.node;
  if (node === undefined) return [];
  if (single.includes(key)) {
    if (node.kind === "table") return [{ path: [key], node }];
    findings.push(errorAt([key], "must be one table", `write [${key}]`));
    return [];
  }
  if (node.kind !== "array") {
    findings.push(errorAt([key], "must be a list of tables", `write [[${key}]]`));
    return [];
  }
  const most = mostElements[key] ?? 0;
  if (node.items.length > most) {
    findings.push(
      errorAt(
        [key],
        `${node.items.length} tables are more than the ${most} there may be`,
        "divide them among several clusters",
      ),
    );
    return [];
  }
  return node.items.map((item, index) => ({ path: [key, index], node: item }));
}

/** Reads one table; unknown keys are reported and then left aside, so that the rest is still checked. */
function readElement<T>(
  schema: z.ZodType<T>,
  element: RawElement,
  { findings, memory }: { readonly findings: Finding[]; readonly memory: SectionMemory },
): readonly Element<T>[] {
  const text =
    (element.node.kind === "table" ? textOf(element.node) : null) ?? JSON.stringify(plainValue(element.node));
  const known = memory.recall(schema, text);
  if (known !== null) return [{ path: element.path, value: known }];
  let value = plainValue(element.node);
  const atOnce = shortcutOf(schema)(value);
  if (atOnce !== doubt) {
    memory.keep(schema, text, atOnce);
    return [{ path: element.path, value: atOnce }];
  }
  const first = schema.safeParse(value);
  if (first.success) {
    memory.keep(schema, text, first.data);
    return [{ path: element.path, value: first.data }];
  }
  let isOnlyUnknown = true;
  for (const issue of first.error.issues) {
    const path = [
      ...element.path,
      ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step)),
    ];
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        findings.push(unknownKey(path, key, issue.message.split(" ")));
        value = withoutKey(value, issue.path, key);
      }
    } else if (issue.code === "invalid_key") {
      isOnlyUnknown = false;
      const { what, remedy } = splitComplaint(issue.issues[0]?.message ?? "");
      findings.push({ ...errorAt(path, what, remedy), pointsAtKey: true });
    } else {
      isOnlyUnknown = false;
      const { what, remedy } = splitComplaint(issue.message);
      findings.push(errorAt(path, what, remedy));
    }
  }
  if (!isOnlyUnknown) return [];
  const second = schema.safeParse(value);
  return second.success ? [{ path: element.path, value: second.data }] : [];
}

/** Copies a value without a key of what is at the path. */
function withoutKey(value: unknown, [step, ...rest]: readonly PropertyKey[], key: string): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? withoutKey(item, rest, key) : item));
  const copy = { ...(value as Readonly<Record<PropertyKey, unknown>>) };
  if (step === undefined) delete copy[key];
  else copy[step] = withoutKey(copy[step], rest, key);
  return copy;
}

function unknownKey(path: KeyPath, key: string, known: readonly string[]): Finding {
  const place = path.filter((step) => typeof step === "string").join(".");
  const full = [...path, key];
  const meanwhile = notBuilt(place, key);
  if (meanwhile !== null) {
    const finding = errorAt(full, "not built yet in this version", `remove it; ${meanwhile}`);
    return { ...finding, pointsAtKey: true };
  }
  const near = closest(key, known);
  const list = `the keys here are ${known.join(", ")}`;
  const hint = foreignWord(place, key) ?? (near === null ? list : `did you mean "${near}"?`);
  return { ...errorAt(full, "unknown key", hint), pointsAtKey: true };
}
