import { familyOf, formatEndpoint } from "../../base/address.ts";
import { virtualAddressesOf } from "../families.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { serviceSockets } from "../sockets.ts";
import { formatDuration } from "../units.ts";

/** What an L4 service can be: reachable, alone on its address and port, and within what its forwarding mode can do. */
export function serviceRules(model: Model): readonly Finding[] {
  return [
    ...duplicateServices(model),
    ...model.sections.services.flatMap((service) => [
      ...addressing(service, model),
      ...(service.value.forward === "dr" ? directRouting(service, model) : relaying(service)),
      ...servers(service),
    ]),
  ];
}

function duplicateServices(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  const instances = model.instances.map(({ config }) => config);
  return model.sections.services.flatMap(({ value, path }) => {
    const clashes = serviceSockets(value, instances).flatMap((socket) => {
      const text = formatEndpoint(socket);
      const earlier = first.get(text);
      if (earlier === undefined) first.set(text, path);
      return earlier === undefined ? [] : [{ text, earlier }];
    });
    const [clash] = clashes;
    if (clash === undefined) return [];
    const what = `${clash.text} already belongs to the [[service]] in line ${model.line(clash.earlier)}`;
    return [
      errorAt([...path, "port"], what, "use another port or address, or put the servers into one service"),
    ];
  });
}

function addressing({ value, path }: Element<ServiceEntry>, model: Model): readonly Finding[] {
  if (value.vips.length === 0 && value.addresses.length === 0) {
    const example = model.declared.vip[0] ?? "public-1";
    return [
      errorAt(
        [...path, "vips"],
        "the service answers on no address",
        `write vips = ["${example}"], or addresses`,
      ),
    ];
  }
  return [];
}

/** In direct routing the kernel changes the frame's MAC address only: server and service have one port and one family. */
function directRouting({ value, path }: Element<ServiceEntry>, model: Model): readonly Finding[] {
  const findings: Finding[] = [];
  const virtual = new Set(
    model.instances.flatMap(({ config }) => virtualAddressesOf(config).map(({ address }) => address)),
  );
  for (const [index, server] of value.servers.entries()) {
    const at = [...path, "servers", index];
    if (server.port !== null && server.port !== value.port) {
      const what = `direct routing changes no port, and ${server.port} is not the service's ${value.port}`;
      findings.push(
        errorAt(
          [...at, "port"],
          what,
          `leave it out and let the server listen on ${value.port}, or write forward = "proxy"`,
        ),
      );
    }
    if (virtual.has(server.address) || value.addresses.includes(server.address)) {
      findings.push(
        errorAt(
          [...at, "address"],
          `${server.address} is a virtual address, no server's own`,
          "write the server's own address",
        ),
      );
    }
    if (familyOf(server.address) === 6) findings.push(later([...at, "address"], "an IPv6 server"));
  }
  for (const [index, name] of value.vips.entries()) {
    const family = model.instances.find(({ config }) => config.name === name)?.config.family;
    if (family === 6) findings.push(later([...path, "vips", index], "an IPv6 service"));
  }
  for (const [index, address] of value.addresses.entries()) {
    if (familyOf(address) === 6) findings.push(later([...path, "addresses", index], "an IPv6 service"));
  }
  if (value.persistence % 1000 !== 0) {
    const rounded = Math.ceil(value.persistence / 1000);
    const what = `the kernel counts whole seconds, and ${formatDuration(value.persistence)} is none`;
    findings.push(errorAt([...path, "persistence"], what, `write "${rounded}s"`));
  }
  if (value.connect_timeout !== null) {
    const what = "in direct routing nobody but the client connects";
    findings.push(errorAt([...path, "connect_timeout"], what, 'remove it, or write forward = "proxy"'));
  }
  return [...findings, ...directSorry(value, path)];
}

function directSorry(value: ServiceEntry, path: KeyPath): readonly Finding[] {
  const { sorry } = value;
  if (sorry === null) return [];
  const at = [...path, "sorry"];
  if (familyOf(sorry.address) === 6) return [later(at, "an IPv6 server")];
  if (sorry.port === value.port) return [];
  const what = `direct routing changes no port: connections come to ${sorry.address} at port ${value.port}, not ${sorry.port}`;
  return [
    warningAt(
      at,
      what,
      `let the sorry server listen on port ${value.port} of the VIP too, and write that port`,
    ),
  ];
}

function later(path: KeyPath, what: string): Finding {
  return errorAt(
    path,
    `${what} in direct routing is not built yet in this version`,
    'remove it, or write forward = "proxy"',
  );
}

function relaying({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  if (value.persistence === 0) return [];
  const what = 'persistence with forward = "proxy" is not built yet in this version';
  return [errorAt([...path, "persistence"], what, 'remove it, or write forward = "dr"')];
}

function servers({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [index, server] of value.servers.entries()) {
    const text = formatEndpoint({ address: server.address, port: server.port ?? value.port });
    if (seen.has(text))
      findings.push(
        errorAt(
          [...path, "servers", index],
          `${text} is already in the list`,
          "remove it here and give the other more weight",
        ),
      );
    seen.add(text);
  }
  if (value.servers.every(({ weight }) => weight === 0)) {
    findings.push(
      warningAt(
        [...path, "servers"],
        "every weight is 0, so no server gets a connection",
        "give one server a weight of 1 or more",
      ),
    );
  }
  return findings;
}
