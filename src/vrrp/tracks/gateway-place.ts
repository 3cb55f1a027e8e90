import { familyOf, isLinkLocal, prefixContains } from "../../base/address.ts";
import type { GatewayTrackPlan } from "../../config/track-plan.ts";
import type { InterfaceAddress, Link } from "../../kernel/rtnetlink.ts";
import { type Interfaces, linkProblem } from "../interfaces.ts";

/** Where and as whom an address is asked. PURE. */

/** A neighbour of a link, or an address that the routes lead to. */
export type GatewayPlace =
  | {
      readonly method: "neighbour";
      readonly linkIndex: number;
      readonly mac: Uint8Array;
      readonly address: string;
    }
  | { readonly method: "ping"; readonly interface: string | null; readonly source: string | null };

/**
 * Finds the link whose network an address is in, unless the plan names one, and an own address on it to ask from: never a
 * virtual one, which may be another node's by the time the answer comes. Gives the reason if there is none.
 */
export function gatewayPlace(
  plan: Pick<GatewayTrackPlan, "address" | "method" | "interface">,
  interfaces: Pick<Interfaces, "all" | "linkAt" | "linkNamed" | "on">,
  isVirtual: (own: InterfaceAddress) => boolean,
): GatewayPlace | string {
  const { method, address, interface: name } = plan;
  const isOwn = (own: InterfaceAddress): boolean =>
    familyOf(own.address) === familyOf(address) && !isVirtual(own);
  const near = interfaces.all().find((own) => isOwn(own) && isNear(own, address));
  const link =
    name === null
      ? near === undefined
        ? null
        : interfaces.linkAt(near.linkIndex)
      : interfaces.linkNamed(name);
  if (link === null) {
    if (name !== null) return `interface ${name} does not exist`;
    if (method === "ping") return { method, interface: null, source: null };
    return `no interface has an own address in the network of ${address}`;
  }
  const problem = linkProblem(link.name, link);
  if (problem !== null) return problem;
  const own = interfaces.on(link.index).filter(isOwn);
  const source =
    own.find((one) => isNear(one, address)) ?? own.find((one) => isLinkLocal(one.address)) ?? own[0];
  if (method === "ping") return { method, interface: name, source: pingSource(link, source, address) };
  if (source === undefined) return `interface ${link.name} has no own address to ask ${address} from`;
  if (link.mac.length !== 6) return `interface ${link.name} is no Ethernet: write method = "ping"`;
  return { method, linkIndex: link.index, mac: link.mac, address: source.address };
}

/** A link-local address is of use on its own link only. */
function pingSource(link: Link, source: InterfaceAddress | undefined, target: string): string | null {
  if (source === undefined || source.linkIndex !== link.index) return null;
  return isLinkLocal(source.address) === isLinkLocal(target) ? source.address : null;
}

function isNear(own: InterfaceAddress, address: string): boolean {
  return prefixContains({ address: own.address, length: own.prefixLength }, address);
}
