import { errorAt, type Finding, type KeyPath, report } from "./finding.ts";
import { type DeclaredNames, unknownName } from "./model.ts";
import type { AddressGroupEntry, ServerGroupEntry } from "./schema/groups.ts";
import type { ServiceEntry } from "./schema/service.ts";
import type { Element, Sections } from "./sections.ts";

/**
 * Puts what groups say into the services that name them, so that nobody after this knows of groups: a service has the
 * addresses and servers it lists itself, then those of its groups in its order. PURE.
 */

/** The groups of a file. */
export interface Groups {
  readonly addresses: readonly Element<AddressGroupEntry>[];
  readonly servers: readonly Element<ServerGroupEntry>[];
}

/** Services with what their groups say, and where that stands. */
export interface ExpandedServices {
  readonly services: readonly Element<ServiceEntry>[];
  /** How many services are missing, for a group that is missing or does not fit. */
  readonly broken: number;
  /** Gives the place in a group that a place in a service stands for; null if it stands for itself. */
  readonly origin: (path: KeyPath) => KeyPath | null;
}

/** A value of a list, and where it stands. */
interface Placed<T> {
  readonly value: T;
  readonly path: KeyPath;
}

interface Expanded {
  readonly entry: ServiceEntry;
  /** The places of what comes from groups and, for the rest, null; by key and index. */
  readonly places: Readonly<Record<string, readonly KeyPath[]>>;
}

/** The groups a service was expanded with, to do so once for as long as neither changes. */
interface Remembered {
  readonly with: readonly unknown[];
  readonly expanded: ServiceEntry;
}

const known = new WeakMap<ServiceEntry, Remembered>();

/** Expands the services of a file, and tells what is wrong with how they name groups. */
export function expandServices(
  services: readonly Element<ServiceEntry>[],
  groups: Groups,
  around: {
    readonly declared: Pick<DeclaredNames, "address_group" | "server_group">;
    readonly findings: Finding[];
  },
): ExpandedServices {
  const places = new Map<string | number, Expanded["places"]>();
  const byName = {
    addresses: new Map(groups.addresses.map((group) => [group.value.name, group])),
    servers: new Map(groups.servers.map((group) => [group.value.name, group])),
  };
  const expanded = services.flatMap((service): readonly Element<ServiceEntry>[] => {
    const { value, path } = service;
    if (value.address_groups.length === 0 && value.server_groups.length === 0) return [service];
    const addresses = named(service, "address_group", { ...around, tables: byName.addresses });
    const servers = named(service, "server_group", { ...around, tables: byName.servers });
    if (addresses === null || servers === null) return [];
    const clash = portClash(service, addresses);
    if (clash !== null) {
      around.findings.push(clash);
      return [];
    }
    const { entry, places: own } = expand(service, addresses, servers);
    places.set(path[1] ?? 0, own);
    return [{ path, value: entry }];
  });
  return {
    services: expanded,
    broken: services.length - expanded.length,
    origin: ([table, index, key, at, ...rest]) => {
      if (table !== "service" || index === undefined || key === undefined) return null;
      const lists = places.get(index);
      // Ports are one value, and come whole.
      const isPorts = key === "port" || key === "ports";
      const found = lists?.[key]?.[isPorts ? 0 : Number(at ?? -1)];
      return found === undefined || found[0] === "service" ? null : [...found, ...(isPorts ? [] : rest)];
    },
  };
}

/** Gives sections whose services have what their groups say. */
export function withGroups(
  read: Sections,
  declared: DeclaredNames,
  findings: Finding[],
): { readonly sections: Sections; readonly origin: ExpandedServices["origin"] } {
  const groups = { addresses: read.addressGroups, servers: read.serverGroups };
  const { services, broken, origin } = expandServices(read.services, groups, { declared, findings });
  return { sections: { ...read, services, areWhole: read.areWhole && broken === 0 }, origin };
}

/** Moves what is wrong with a service to where its group says so; once, though several services have it from there. */
export function atOrigins(
  findings: readonly Finding[],
  origin: ExpandedServices["origin"],
): readonly Finding[] {
  const moved: Finding[] = [];
  for (const finding of findings) {
    const path = origin(finding.path);
    if (path === null) moved.push(finding);
    else report(moved, { ...finding, path });
  }
  return moved;
}

/** Gives the groups that a service names; null, with the findings made, if one of them is not to be had. */
function named<Entry>(
  { value, path }: Element<ServiceEntry>,
  kind: "address_group" | "server_group",
  around: Parameters<typeof expandServices>[2] & { readonly tables: ReadonlyMap<string, Element<Entry>> },
): readonly Element<Entry>[] | null {
  const key = `${kind}s` as const;
  const names = value[key];
  const before = around.findings.length;
  const found = names.flatMap((name, index) => {
    const at = [...path, key, index];
    if (names.indexOf(name) < index)
      around.findings.push(errorAt(at, `"${name}" is already in the list`, "remove it here"));
    const declared = around.declared[kind];
    if (!declared.includes(name)) around.findings.push(unknownName(at, name, kind, declared));
    return around.tables.get(name) ?? [];
  });
  // A group that breaks its schema has been told of already.
  return around.findings.length > before || found.length < names.length ? null : found;
}

/** A service has all its ports at all its addresses, so they come from one place. */
function portClash(
  { value, path }: Element<ServiceEntry>,
  groups: readonly Element<AddressGroupEntry>[],
): Finding | null {
  const first = groups.find((group) => group.value.ports !== null)?.value;
  if (first === undefined) return null;
  if (value.ports.length > 0) {
    const key = value.ports.length > 1 ? "ports" : "port";
    const what = `[[address_group]] "${first.name}" says which ports the service has`;
    return errorAt([...path, key], what, "remove it here, or ports there");
  }
  const other = groups.findIndex(
    (group) => group.value.ports !== null && String(group.value.ports) !== String(first.ports),
  );
  if (other === -1) return null;
  const what = `"${groups[other]?.value.name}" has other ports than "${first.name}", and a service has all its ports at all its addresses`;
  return errorAt([...path, "address_groups", other], what, "name each in a [[service]] of its own");
}

function expand(
  { value, path }: Element<ServiceEntry>,
  addressGroups: readonly Element<AddressGroupEntry>[],
  serverGroups: readonly Element<ServerGroupEntry>[],
): Expanded {
  const vips = unique([...placed(value.vips, path, "vips"), ...inGroups(addressGroups, "vips")]);
  const addresses = unique([
    ...placed(value.addresses, path, "addresses"),
    ...inGroups(addressGroups, "addresses"),
  ]);
  const servers = [...placed(value.servers, path, "servers"), ...inGroups(serverGroups, "servers")];
  const withPorts = addressGroups.find((group) => group.value.ports !== null);
  const ports = withPorts === undefined ? [] : [[...withPorts.path, "ports"]];
  const parts = [...addressGroups, ...serverGroups].map((group) => group.value);
  const before = known.get(value);
  const isSame =
    before?.with.length === parts.length && before.with.every((part, index) => part === parts[index]);
  const expanded = isSame
    ? before.expanded
    : {
        ...value,
        vips: vips.map((one) => one.value),
        addresses: addresses.map((one) => one.value),
        ports: withPorts?.value.ports ?? value.ports,
        servers: servers.map((one) => one.value),
      };
  if (!isSame) known.set(value, { with: parts, expanded });
  const places = {
    vips: vips.map((one) => one.path),
    addresses: addresses.map((one) => one.path),
    servers: servers.map((one) => one.path),
    ports,
    port: ports,
  };
  return { entry: expanded, places };
}

function placed<T>(values: readonly T[], path: KeyPath, key: string): readonly Placed<T>[] {
  return values.map((value, index) => ({ value, path: [...path, key, index] }));
}

function inGroups<Key extends string, T>(
  groups: readonly Element<Readonly<Record<Key, readonly T[]>>>[],
  key: Key,
): readonly Placed<T>[] {
  return groups.flatMap(({ value, path }) => placed(value[key], path, key));
}

/** What a service lists itself and has from a group too is one address; what it lists twice itself is for the rules. */
function unique(values: readonly Placed<string>[]): readonly Placed<string>[] {
  return values.filter(({ value, path }, index) => {
    const first = values.findIndex((one) => one.value === value);
    return first === index || path[0] === "service";
  });
}
