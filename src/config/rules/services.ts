import { familyOf, formatEndpoint, isLinkLocal } from "../../base/address.ts";
import { virtualAddressesOf } from "../families.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import { isHostAddress } from "../schema/fields.ts";
import type { ServiceEntry, ServiceServerEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { serviceSockets } from "../sockets.ts";
import { listedChecks } from "./checks.ts";
import { kernelServiceRules } from "./kernel-services.ts";
import { nodesAsServers } from "./nodes-as-servers.ts";
import { relayRules } from "./relays.ts";

/** What an L4 service can be: reachable, alone on its address and port, and within what its forwarding mode can do. */
export function serviceRules(model: Model): readonly Finding[] {
  return [
    ...duplicateServices(model),
    ...duplicateMarks(model),
    ...singleServices(model),
    ...nodesAsServers(model),
  ];
}

/** Services that no rule found fault with, and the virtual addresses there were then: nothing else is looked at. */
const faultless = new WeakMap<ServiceEntry, string>();

function singleServices(model: Model): readonly Finding[] {
  const around = JSON.stringify(
    model.instances.map(({ config }) => [config.name, virtualAddressesOf(config), config.addresses]),
  );
  return model.sections.services.flatMap((service) => {
    if (faultless.get(service.value) === around) return [];
    const findings = singleService(service, model);
    if (findings.length === 0) faultless.set(service.value, around);
    return findings;
  });
}

function singleService(service: Element<ServiceEntry>, model: Model): readonly Finding[] {
  return [
    ...addressing(service, model),
    ...(service.value.forward === "proxy" ? relayRules(service, model) : kernelServiceRules(service, model)),
    ...checking(service),
    ...servers(service),
  ];
}

function duplicateServices(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  const instances = model.instances.map(({ config }) => config);
  return model.sections.services.flatMap(({ value, path }) => {
    const clashes = serviceSockets(value, instances).flatMap((socket) => {
      const { protocol } = value;
      const text = `${protocol === "tcp" ? "" : `${protocol} `}${formatEndpoint(socket)}`;
      const earlier = first.get(text);
      if (earlier === undefined) first.set(text, path);
      return earlier === undefined ? [] : [{ text, earlier }];
    });
    const [clash] = clashes;
    if (clash === undefined) return [];
    const what = `${clash.text} already belongs to the [[service]] in line ${model.line(clash.earlier)}`;
    return [
      errorAt(
        [...path, portKey(value)],
        what,
        "use another port or address, or put the servers into one service",
      ),
    ];
  });
}

function portKey({ ports }: ServiceEntry): string {
  return ports.length > 1 ? "ports" : "port";
}

function duplicateMarks(model: Model): readonly Finding[] {
  const first = new Map<number, KeyPath>();
  return model.sections.services.flatMap(({ value, path }) => {
    if (value.fwmark === null) return [];
    const earlier = first.get(value.fwmark);
    if (earlier === undefined) first.set(value.fwmark, path);
    if (earlier === undefined) return [];
    const what = `mark ${value.fwmark} already belongs to the [[service]] in line ${model.line(earlier)}`;
    return [errorAt([...path, "fwmark"], what, "use another mark, or put the servers into one service")];
  });
}

function addressing({ value, path }: Element<ServiceEntry>, model: Model): readonly Finding[] {
  const { vips, addresses, ports, fwmark } = value;
  const isPlaced = vips.length > 0 || addresses.length > 0;
  // Without both, somebody else marks.
  if (fwmark !== null && isPlaced === ports.length > 0) return [];
  const example = model.declared.vip[0] ?? "public-1";
  return [
    ...(isPlaced
      ? []
      : [
          errorAt(
            [...path, "vips"],
            "the service answers on no address",
            `write vips = ["${example}"], or addresses`,
          ),
        ]),
    ...(ports.length > 0 ? [] : [errorAt([...path, "port"], "is missing", "write port = 80")]),
  ];
}

/** A mark says nothing of a port, so the check or the server has to, unless there is only one. */
function checking({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  if (value.fwmark === null || value.ports.length === 1) return [];
  return value.servers.flatMap((server, index) => {
    if (server.port !== null) return [];
    const at = server.check === null ? [...path, "check"] : [...path, "servers", index, "check"];
    const what = "a firewall mark does not tell which port to check";
    return listedChecks(server.check ?? value.check, at, []).flatMap(({ check, path: own }) =>
      check.port !== null ? [] : [errorAt([...own, "port"], what, "write port = 80 in the check")],
    );
  });
}

function servers({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  return [
    ...duplicateServers({ value, path }),
    ...strangeAddresses({ value, path }),
    ...withoutWeight({ value, path }),
  ];
}

function duplicateServers({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  // Most often that answers it.
  if (new Set(value.servers.map(({ address }) => address)).size === value.servers.length) return [];
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [index, server] of value.servers.entries()) {
    const places = placesOf(server, value);
    const twice = places.find((place) => seen.has(place));
    if (twice !== undefined)
      findings.push(
        errorAt(
          [...path, "servers", index],
          `${twice} is already in the list`,
          "remove it here and give the other more weight",
        ),
      );
    for (const place of places) seen.add(place);
  }
  return findings;
}

/** Where connections to a server come out, at each of the service's ports. By a mark only translation changes a port. */
function placesOf(server: ServiceServerEntry, { forward, fwmark, ports }: ServiceEntry): readonly string[] {
  const { address, port } = server;
  if (fwmark === null) {
    const own = port === null ? ports : [port];
    return own.length === 0 ? [address] : own.map((each) => formatEndpoint({ address, port: each }));
  }
  const changesPort = (server.forward ?? forward) === "nat" && port !== null;
  return [changesPort ? formatEndpoint({ address, port }) : address];
}

function strangeAddresses({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const findings: Finding[] = [];
  const judge = (address: string, at: KeyPath): void => {
    const what = strangeness(address);
    if (what !== null) findings.push(errorAt(at, what, "write an address at which packets reach it"));
  };
  for (const [index, { address }] of value.servers.entries())
    if (mayBeStrange.test(address)) judge(address, [...path, "servers", index, "address"]);
  if (value.sorry !== null) judge(value.sorry.address, [...path, "sorry"]);
  return findings;
}

/** Servers may be thousands, and this tells at little cost that nothing is wrong with one. */
const mayBeStrange = /^(?:0\.|2[2-5]|::|fe|ff)/;

/** Says why an address can be no server's, as the kernel and sockets see it; null if it can. */
function strangeness(address: string): string | null {
  if (familyOf(address) === 4) {
    if (isHostAddress(address) || address.startsWith("127.")) return null;
    return `${address} is no address of a host`;
  }
  if (isLinkLocal(address))
    return `${address} is a link-local address, which does not say on which interface the server is`;
  return isHostAddress(address) || address === "::1" ? null : `${address} is no address of a host`;
}

function withoutWeight({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  if (value.servers.some(({ weight }) => weight > 0)) return [];
  const what = "every weight is 0, so no server gets a connection";
  return [warningAt([...path, "servers"], what, "give one server a weight of 1 or more")];
}
