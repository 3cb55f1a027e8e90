import { formatEndpoint, type Endpoint } from "../../base/address.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ListenerEntry } from "../schema/listener.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { covers, listenerSockets, serviceSockets } from "../sockets.ts";

/** What listeners can be among each other and beside services. */
export function listenerRules(model: Model): readonly Finding[] {
  return [...listeners(model), ...servicesInTheWay(model)];
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
  if (model.sections.listeners.length === 0) return [];
  const instances = model.instances.map(({ config }) => config);
  const services = model.sections.services.map(({ value }) => ({
    service: value,
    sockets: serviceSockets(value, instances),
  }));
  const taken = services.flatMap(({ service, sockets }) => sockets.map((socket) => ({ service, socket })));
  const byPort = Map.groupBy(taken, ({ socket }) => socket.port);
  return model.sections.listeners.flatMap((listener) => {
    const at = [...listener.path, "address"];
    const own = socketsOf(listener, model);
    // Listeners speak TCP and, for HTTP/3, UDP; another protocol's service leaves them alone.
    const spoken = listener.value.http3 ? ["tcp", "udp"] : ["tcp"];
    const hidden = (byPort.get(listener.value.address.port) ?? []).filter(
      ({ service, socket }) => spoken.includes(service.protocol) && own.some((one) => covers(one, socket)),
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
