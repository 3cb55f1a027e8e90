import { familyOf, isLinkLocal } from "../../base/address.ts";
import { virtualAddressesOf } from "../families.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { formatDuration } from "../units.ts";
import type { TrackElement, TrackKind } from "./kind.ts";

const defaultIntervalMs = 1000;
// One lost frame is no reason to move an address.
const defaultFall = 3;
const defaultRise = 2;

/** `gateway = "192.0.2.1"`: an address that has to answer ARP, neighbour solicitation or ICMP echo. */
export const gatewayKind: TrackKind = {
  subject: "gateway",
  keys: ["interface", "method", "interval", "timeout", "rise", "fall", "reverse"],
  calledAfter: (entry) => entry.gateway ?? "",
  read(entry, effect) {
    const intervalMs = entry.interval ?? defaultIntervalMs;
    return {
      kind: "gateway",
      ...effect,
      address: entry.gateway ?? "",
      method: entry.method ?? "neighbour",
      interface: entry.interface,
      intervalMs,
      timeoutMs: entry.timeout ?? intervalMs,
      rise: entry.rise ?? defaultRise,
      fall: entry.fall ?? defaultFall,
    };
  },
  rules: (track, model) => [...rhythmFindings(track), ...placeFindings(track), ...ownFindings(track, model)],
};

function rhythmFindings({ value, path }: TrackElement): readonly Finding[] {
  const interval = value.interval ?? defaultIntervalMs;
  if (value.timeout === null || value.timeout <= interval) return [];
  const what = `${formatDuration(value.timeout)} is longer than the interval of ${formatDuration(interval)}`;
  return [errorAt([...path, "timeout"], what, `write timeout = "${formatDuration(interval)}" or less`)];
}

/** A link-local address is on every link. */
function placeFindings({ value, path }: TrackElement): readonly Finding[] {
  const { gateway, interface: link } = value;
  if (gateway === null || link !== null || familyOf(gateway) === 4 || !isLinkLocal(gateway)) return [];
  const what = `${gateway} can be on any link`;
  return [errorAt([...path, "gateway"], what, 'write interface = "eth1" beside it')];
}

/** Who holds the address himself gets no answer from it. */
function ownFindings({ value, path }: TrackElement, model: Model): readonly Finding[] {
  const { gateway } = value;
  const at = [...path, "gateway"];
  const remedy = "write the address of a router beyond these nodes";
  const vip = model.instances.find(({ config }) =>
    virtualAddressesOf(config).some(({ address }) => address === gateway),
  );
  if (vip !== undefined) {
    return [
      errorAt(at, `${gateway} is an address of "${vip.config.name}", which nodes hold themselves`, remedy),
    ];
  }
  const node = model.sections.nodes.find(({ value: { address } }) =>
    Object.values(address).some((list) => list.some((own) => own.address === gateway)),
  );
  if (node === undefined) return [];
  const what = `${gateway} is an address of [[node]] "${node.value.name}", which cannot ask itself`;
  return [warningAt(at, what, remedy)];
}
