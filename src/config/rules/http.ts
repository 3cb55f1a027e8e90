import { formatEndpoint, type Endpoint } from "../../base/address.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ListenerEntry, SiteEntry } from "../schema/http.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { covers, listenerSockets, serviceSockets } from "../sockets.ts";

/** What listeners, upstreams and sites can be among each other. */
export function httpRules(model: Model): readonly Finding[] {
  return [...listeners(model), ...servicesInTheWay(model), ...upstreams(model), ...sites(model)];
}

/** Tables that nothing uses; judged only when every table could be read. */
export function idleHttpRules(model: Model): readonly Finding[] {
  const { sections } = model;
  const routes = sections.sites.flatMap(({ value }) => value.route);
  const usedUpstreams = new Set(routes.map(({ upstream }) => upstream));
  const usedListeners = new Set(sections.sites.flatMap(({ value }) => value.listeners));
  return [
    ...sections.upstreams.flatMap(({ value, path }) =>
      usedUpstreams.has(value.name)
        ? []
        : [warningAt(path, "no [[site.route]] leads to it", "remove it, or name it in a route")],
    ),
    ...sections.listeners.flatMap(({ value, path }) =>
      usedListeners.has(value.name)
        ? []
        : [
            warningAt(
              path,
              "no [[site]] has it among its listeners: requests get 404",
              "remove it, or name it in a site",
            ),
          ],
    ),
  ];
}

function socketsOf({ value }: Element<ListenerEntry>, model: Model): readonly Endpoint[] {
  const instances = model.instances.map(({ config }) => config);
  return listenerSockets({ ...value.address, vips: value.vips }, instances);
}

function listeners(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return model.sections.listeners.flatMap((listener) => {
    const { value, path } = listener;
    if (value.address.address !== null && value.vips.length > 0) {
      const remedy = `write address = ":${value.address.port}" with vips, or remove vips`;
      return [errorAt([...path, "vips"], `an address of its own leaves nothing to narrow`, remedy)];
    }
    const clashes = socketsOf(listener, model).flatMap((socket) => {
      const text = formatEndpoint(socket);
      const earlier = first.get(text);
      if (earlier === undefined) first.set(text, path);
      return earlier === undefined ? [] : [{ text, earlier }];
    });
    const [clash] = clashes;
    if (clash === undefined) return [];
    const what = `${clash.text} is already listened on by the [[listener]] in line ${model.line(clash.earlier)}`;
    return [
      errorAt([...path, "address"], what, "use another address or port, or name one listener in both sites"),
    ];
  });
}

/** A packet for a service of the kernel's never reaches a socket; two sockets on one address would share connections by chance. */
function servicesInTheWay(model: Model): readonly Finding[] {
  const instances = model.instances.map(({ config }) => config);
  const services = model.sections.services.map(({ value }) => ({
    service: value,
    sockets: serviceSockets(value, instances),
  }));
  const taken = services.flatMap(({ service, sockets }) =>
    // Listeners speak TCP, which another protocol's service leaves alone.
    service.protocol === "tcp" ? sockets.map((socket) => ({ service, socket })) : [],
  );
  const byPort = Map.groupBy(taken, ({ socket }) => socket.port);
  return model.sections.listeners.flatMap((listener) => {
    const at = [...listener.path, "address"];
    const own = socketsOf(listener, model);
    const hidden = (byPort.get(listener.value.address.port) ?? []).filter(({ socket }) =>
      own.some((one) => covers(one, socket)),
    );
    const byService = Map.groupBy(hidden, ({ service }) => service);
    return [...byService].map(([service, entries]) =>
      hiddenBy(
        service,
        entries.map(({ socket }) => socket),
        at,
      ),
    );
  });
}

function hiddenBy(service: ServiceEntry, sockets: readonly Endpoint[], path: KeyPath): Finding {
  const list = sockets.map(formatEndpoint).join(", ");
  if (service.forward !== "proxy") {
    const what = `[[service]] "${service.name}" takes ${list} in the kernel, before this listener`;
    return warningAt(path, what, "use another port, or narrow the listener with vips, unless that is meant");
  }
  const what = `[[service]] "${service.name}" relays ${list}, which this listener would listen on too`;
  return errorAt(path, what, "use another port, or narrow the listener with vips");
}

function upstreams(model: Model): readonly Finding[] {
  return model.sections.upstreams.flatMap(({ value, path }) => {
    const findings: Finding[] = [];
    const seen = new Set<string>();
    for (const [index, server] of value.servers.entries()) {
      const text = formatEndpoint(server.address);
      if (seen.has(text)) {
        findings.push(
          errorAt(
            [...path, "servers", index, "address"],
            `${text} is already in the list`,
            "remove it here and give the other more weight",
          ),
        );
      }
      seen.add(text);
    }
    const regular = value.servers.filter(({ backup }) => !backup);
    if (regular.length === 0) {
      findings.push(
        errorAt([...path, "servers"], "every server is a backup", "remove backup = true from one of them"),
      );
    } else if (regular.every(({ weight }) => weight === 0)) {
      findings.push(
        warningAt(
          [...path, "servers"],
          "every weight is 0, so no server gets a request",
          "give one server a weight of 1 or more",
        ),
      );
    }
    return findings;
  });
}

function sites(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return model.sections.sites.flatMap((site) => [...hosts(site, first, model), ...routes(site)]);
}

/** A request belongs to one site: that of its listener and host. */
function hosts(
  { value, path }: Element<SiteEntry>,
  first: Map<string, KeyPath>,
  model: Model,
): readonly Finding[] {
  return value.hosts.flatMap((host, index) => {
    const at = [...path, "hosts", index];
    if (value.hosts.indexOf(host) < index)
      return [errorAt(at, `"${host}" is already in the list`, "remove it here")];
    const clashes = value.listeners.flatMap((listener) => {
      const earlier = first.get(`${listener} ${host}`);
      if (earlier === undefined) first.set(`${listener} ${host}`, at);
      return earlier === undefined ? [] : [{ listener, earlier }];
    });
    const [clash] = clashes;
    if (clash === undefined) return [];
    const what = `"${host}" on listener "${clash.listener}" already belongs to the [[site]] of line ${model.line(clash.earlier)}`;
    return [errorAt(at, what, "put the routes into one site, or choose another host or listener")];
  });
}

function routes({ value, path }: Element<SiteEntry>): readonly Finding[] {
  if (value.route.length === 0) {
    return [
      errorAt(
        path,
        "a site without a route answers nothing",
        'add a [[site.route]] with path = "/" and upstream = "…"',
      ),
    ];
  }
  return value.route.flatMap((route, index) => {
    const earlier = value.route.findIndex((other) => other.path === route.path);
    if (earlier === index) return [];
    return [
      errorAt(
        [...path, "route", index, "path"],
        `"${route.path}" is already the path of another route of this site`,
        "remove one of them",
      ),
    ];
  });
}
