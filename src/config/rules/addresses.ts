import { addressBytes, familyOf, isLinkLocal, prefixContains, type Prefix } from "../../base/address.ts";
import { toHex } from "../../base/bytes.ts";
import type { InstanceConfig } from "../config.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { fullLength, sharesNetwork } from "../members.ts";
import { calledVip, type Model, type Resolved } from "../model.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";

/** Which addresses may stand where: nodes' own, virtual ones, and no address twice. */
export function addressRules(model: Model): readonly Finding[] {
  return [
    ...nodeAddresses(model),
    ...virtualAddresses(model),
    ...ownAddresses(model),
    ...networkAddresses(model),
    ...overlaps(model),
    ...strangers(model),
  ];
}

interface Placed {
  readonly resolved: Resolved;
  readonly prefix: Prefix;
  readonly path: KeyPath;
}

/** Every virtual address with its place. */
function placed(model: Model): readonly Placed[] {
  return model.instances.flatMap((resolved) =>
    resolved.listed.map((prefix, index) => ({
      resolved,
      prefix,
      path: addressPath({ value: resolved.config, path: resolved.path }, index),
    })),
  );
}

/** Names the place of a router's address, counted as the file lists them. */
export function addressPath(
  { value, path }: { readonly value: VipEntry | VrrpEntry | InstanceConfig; readonly path: KeyPath },
  index: number,
): KeyPath {
  const isVip = "form" in value ? value.form === "vip" : "prefer" in value;
  if (!isVip) return [...path, "addresses", index];
  return index === 0 ? [...path, "address"] : [...path, "addresses", index - 1];
}

function nodeAddresses(model: Model): readonly Finding[] {
  const first = new Map<string, { readonly node: string; readonly on: string }>();
  return model.sections.nodes.flatMap(({ value, path }) =>
    Object.entries(value.address).flatMap(([on, addresses]) =>
      addresses.flatMap(({ address }) => {
        const earlier = first.get(address);
        if (earlier === undefined) {
          first.set(address, { node: value.name, on });
          return [];
        }
        const what = `${address} is already the address of ${earlier.on} on [[node]] "${earlier.node}"`;
        return [errorAt([...path, "address", on], what, "write the address this interface really has")];
      }),
    ),
  );
}

function virtualAddresses(model: Model): readonly Finding[] {
  const seen = new Map<string, Placed[]>();
  return placed(model).flatMap((one) => {
    const { address } = one.prefix;
    const same = seen.get(address) ?? [];
    seen.set(address, [...same, one]);
    // A link-local address is another one on another link.
    const isOneForAll = familyOf(address) === 4 || !isLinkLocal(address);
    const earlier = same.find(({ resolved }) => isOneForAll || sharesInterface(resolved, one.resolved));
    if (earlier === undefined) return [];
    const what = `${one.prefix.address} is already an address of ${calledVip(earlier.resolved)} in line ${model.line(earlier.path)}`;
    return [errorAt(one.path, what, "remove it here or there")];
  });
}

/** RFC 9568 §1.7: the node whose own address it is owns the virtual router, with priority 255. */
function ownAddresses(model: Model): readonly Finding[] {
  return placed(model).flatMap(({ resolved, prefix, path }) => {
    const owner = model.sections.nodes.find(({ value }) =>
      Object.values(value.address).some((list) => list.some(({ address }) => address === prefix.address)),
    );
    if (owner === undefined) return [];
    const member = resolved.config.members.find(({ node }) => node === owner.value.name);
    if (resolved.config.form === "vrrp" && member?.priority === 255) return [];
    const what = `${prefix.address} is the own address of [[node]] "${owner.value.name}", which would keep it when it should move`;
    return [errorAt(path, what, "take an address that no host has of its own")];
  });
}

function networkAddresses(model: Model): readonly Finding[] {
  return placed(model).flatMap(({ prefix, path }) => {
    const what = addressAtEdge(prefix);
    return what === null
      ? []
      : [errorAt(path, what, "write an address of a host in it, or correct the prefix")];
  });
}

/**
 * Says why an address of a network is no host's, or null. RFC 1122 §3.2.1.3: the first and the last one (RFC 3021: but for
 * /31); of IPv6 the first belongs to all its routers (RFC 4291 §2.6.1; RFC 6164: but for /127).
 */
export function addressAtEdge(prefix: Prefix): string | null {
  const hostBits = fullLength(prefix) - prefix.length;
  if (hostBits < 2) return null;
  const mask = (1n << BigInt(hostBits)) - 1n;
  const host = numberOf(prefix.address) & mask;
  const isLast = host === mask && familyOf(prefix.address) === 4;
  if (host !== 0n && !isLast) return null;
  return `${written(prefix)} is the ${isLast ? "network's broadcast address" : "network itself"}`;
}

/** Two networks of different size on one interface, one inside the other: some neighbours would be looked for behind a router. */
function overlaps(model: Model): readonly Finding[] {
  const all = placed(model).filter(({ prefix }) => prefix.length < fullLength(prefix));
  return all.flatMap((one, index) => {
    const { address, length } = one.prefix;
    const other = all.slice(0, index).find(({ prefix, resolved }) => {
      const wider = { address: prefix.address, length: Math.min(prefix.length, length) };
      const isInside = prefix.length !== length && prefixContains(wider, address);
      return isInside && sharesInterface(resolved, one.resolved);
    });
    if (other === undefined) return [];
    const what = `the network of ${written(one.prefix)} overlaps with that of ${written(other.prefix)} in line ${model.line(other.path)}`;
    const same = `"${one.prefix.address}/${other.prefix.length}"`;
    return [warningAt(one.path, what, `give both the same prefix length, as in ${same}`)];
  });
}

/** An address as a number, its first octet the highest. */
function numberOf(address: string): bigint {
  return BigInt(`0x${toHex(addressBytes(address))}`);
}

function sharesInterface(a: Resolved, b: Resolved): boolean {
  return a.config.members.some((one) =>
    b.config.members.some((other) => one.node === other.node && one.interface === other.interface),
  );
}

/** A virtual address outside every network of its interface works only with routes that nothing here sets up. */
function strangers(model: Model): readonly Finding[] {
  const nodes = new Map(model.sections.nodes.map(({ value }) => [value.name, value]));
  return placed(model).flatMap(({ resolved, prefix, path }) => {
    // Every interface is in the network of link-local addresses.
    if (isLinkLocal(prefix.address)) return [];
    const far = resolved.config.members.find((member) => {
      const own = nodes.get(member.node)?.address[member.interface] ?? [];
      // A file need not name the own addresses of IPv6: nothing speaks from them.
      if (familyOf(prefix.address) === 6 && own.every(({ address }) => familyOf(address) === 4)) return false;
      const canTell =
        prefix.length < fullLength(prefix) || own.some(({ prefixLength }) => prefixLength !== null);
      return canTell && !own.some((address) => sharesNetwork(address, prefix));
    });
    if (far === undefined) return [];
    const what = `${written(prefix)} is in no network of ${far.interface} on [[node]] "${far.node}"`;
    return [warningAt(path, what, "check address and prefix; if it is meant, neighbours need a route to it")];
  });
}

function written(prefix: Prefix): string {
  return `${prefix.address}/${prefix.length}`;
}
