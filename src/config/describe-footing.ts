import { formatEndpoint } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { FootingPlan } from "./footing-plan.ts";

/** Says in words what the kernel's services stand on. */

/** Writes where connections are told to the other directors. */
export function syncLines({ syncDaemon }: FootingPlan): readonly string[] {
  if (syncDaemon === null) return [];
  const { interface: on, id, group, port, ttl, maxLength } = syncDaemon;
  const length = maxLength === null ? "" : `, up to ${maxLength} bytes`;
  return [
    `in both directions on ${on}, id ${id}, to ${formatEndpoint({ address: group, port })}, TTL ${ttl}${length}`,
  ];
}

/** Writes a setting a line. */
export function settingLines({ settings }: FootingPlan): readonly string[] {
  return settings.map(({ path, value, onlyFrom }) => {
    const from = onlyFrom === null ? "" : `, if it is ${onlyFrom}`;
    if (!path.startsWith("ipvs/")) return `${path.replaceAll("/", ".")} = ${value}${from}`;
    return `IPVS keeps idle connections (${path.slice(5).replace("_", " ")}) for ${value}s`;
  });
}

/** Writes whose connections get an address of this node. */
export function masqueradeLines({ masquerades }: FootingPlan): readonly string[] {
  return masquerades.map((one) => {
    switch (one.kind) {
      case "server":
        return `connections of ${one.server} through ${one.interface}`;
      case "socket":
        return `clients of ${one.protocol} ${formatEndpoint(one)}`;
      case "mark":
        return `clients of fwmark ${one.mark} at ${one.server}`;
      default:
        return unreachable(one);
    }
  });
}
