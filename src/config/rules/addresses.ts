import type { Prefix } from "../../base/address.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { sharesNetwork } from "../members.ts";
import { calledVip, type Model, type Resolved } from "../model.ts";

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
    resolved.config.addresses.map((prefix, index) => ({
      resolved,
      prefix,
      path: addressPath(resolved, index),
    })),
  );
}

function addressPath(resolved: Resolved, index: number): KeyPath {
  if (resolved.config.form === "vrrp") return [...resolved.path, "addresses", index];
  return index === 0 ? [...resolved.path, "address"] : [...resolved.path, "addresses", index - 1];
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
  const first = new Map<string, Placed>();
  return placed(model).flatMap((one) => {
    const earlier = first.get(one.prefix.address);
    if (earlier === undefined) {
      first.set(one.prefix.address, one);
      return [];
    }
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

/** RFC 1122 §3.2.1.3: the first and the last address of a network are no host's (RFC 3021: but for /31). */
function networkAddresses(model: Model): readonly Finding[] {
  return placed(model).flatMap(({ prefix, path }) => {
    const hostBits = 32 - prefix.length;
    if (hostBits < 2) return [];
    const mask = 2 ** hostBits - 1;
    const host = (numberOf(prefix.address) & mask) >>> 0;
    if (host !== 0 && host !== mask) return [];
    const what = `${written(prefix)} is the ${host === 0 ? "network itself" : "network's broadcast address"}`;
    return [errorAt(path, what, "write an address of a host in it, or correct the prefix")];
  });
}

/** Two networks of different size on one interface, one inside the other: some neighbours would be looked for behind a router. */
function overlaps(model: Model): readonly Finding[] {
  const all = placed(model)
    .filter(({ prefix }) => prefix.length < 32)
    .map((one) => ({ one, bits: numberOf(one.prefix.address), length: one.prefix.length }));
  return all.flatMap(({ one, bits, length }, index) => {
    const other = all
      .slice(0, index)
      .find(
        (earlier) =>
          earlier.length !== length &&
          (earlier.bits ^ bits) >>> (32 - Math.min(earlier.length, length)) === 0 &&
          sharesInterface(earlier.one.resolved, one.resolved),
      )?.one;
    if (other === undefined) return [];
    const what = `the network of ${written(one.prefix)} overlaps with that of ${written(other.prefix)} in line ${model.line(other.path)}`;
    const same = `"${one.prefix.address}/${other.prefix.length}"`;
    return [warningAt(one.path, what, `give both the same prefix length, as in ${same}`)];
  });
}

/** An IPv4 address as a number, its first octet the highest. */
function numberOf(address: string): number {
  return address.split(".").reduce((value, octet) => ((value << 8) | Number(octet)) >>> 0, 0);
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
    const far = resolved.config.members.find((member) => {
      const own = nodes.get(member.node)?.address[member.interface] ?? [];
      const canTell = prefix.length < 32 || own.some(({ prefixLength }) => prefixLength !== null);
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
