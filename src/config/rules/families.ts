import { familyOf } from "../../base/address.ts";
import { advertisedAddresses, listedAddresses, routerFamily } from "../families.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";
import type { Element } from "../sections.ts";
import { addressPath } from "./addresses.ts";

/** One family for each virtual router, with the version, the keys and the room that this family has. */
export function familyRules(model: Model): readonly Finding[] {
  const routers = [...model.sections.vips, ...model.sections.vrrps];
  return routers.flatMap((router) => {
    const ofFamily = routerFamily(router.value) === 6 ? ipv6Rules(router, model) : foreignToIpv4(router);
    return mixed(router).concat(ofFamily);
  });
}

function ipv6Rules(router: Router, model: Model): readonly Finding[] {
  return [...version(router, model), ...foreignToIpv6(router), ...room(router)];
}

type Router = Element<VipEntry | VrrpEntry>;

function mixed(router: Router): readonly Finding[] {
  const family = routerFamily(router.value);
  return listedAddresses(router.value).flatMap(({ address }, index) => {
    if (familyOf(address) === family) return [];
    const what = `${address} is IPv${familyOf(address)}, and a virtual router has one family: that of its first address, IPv${family}`;
    const remedy =
      "write it in extra_addresses, which move along, or as a [[vip]] of its own with both in one [[sync_group]]";
    return [errorAt(addressPath(router, index), what, remedy)];
  });
}

/** RFC 3768 knows IPv4 only. */
function version(router: Router, model: Model): readonly Finding[] {
  const { value, path } = router;
  const own = "prefer" in value ? null : value.version;
  if ((own ?? model.sections.cluster?.value.vrrp_version ?? 3) !== 2) return [];
  const what = "version 2 has no IPv6";
  if (own !== null) return [errorAt([...path, "version"], what, "write version = 3")];
  const remedy =
    "prefer" in value
      ? "write vrrp_version = 3 in [cluster], or spell it out as a [[vrrp]] with version = 3"
      : "write version = 3 here";
  return [errorAt(addressPath(router, 0), what, remedy)];
}

function foreignToIpv6({ value, path }: Router): readonly Finding[] {
  const findings: Finding[] = [];
  if (value.group !== null) {
    const what = "it is the group of IPv4, and these addresses are IPv6";
    findings.push(errorAt([...path, "group"], what, 'write group6, as in group6 = "ff02::12", or remove it'));
  }
  if (value.label !== null)
    findings.push(errorAt([...path, "label"], "addresses of IPv6 have no label", "remove it"));
  if (value.scope !== null)
    findings.push(errorAt([...path, "scope"], "an IPv6 address has its scope in itself", "remove it"));
  if (value.checksum !== null)
    findings.push(errorAt([...path, "checksum"], "IPv6 has one way to make the checksum", "remove it"));
  return findings;
}

function foreignToIpv4({ value, path }: Router): readonly Finding[] {
  const findings: Finding[] = [];
  if (value.group6 !== null) {
    const what = "it is the group of IPv6, and these addresses are IPv4";
    findings.push(
      errorAt([...path, "group6"], what, 'write group, as in group = "224.0.0.18", or remove it'),
    );
  }
  const hasIpv6 = value.extra_addresses.some(({ address: { address } }) => familyOf(address) === 6);
  if (value.nodad !== null && !hasIpv6) {
    const what = "it concerns IPv6, and these addresses are IPv4";
    findings.push(errorAt([...path, "nodad"], what, "remove it"));
  }
  return findings;
}

/** What is left of an Ethernet frame behind the headers of IPv6 (40) and VRRP (8) and before a signature (28). */
const roomInFrame = Math.floor((1500 - 40 - 8 - 28) / 16);

/** The packet counts its addresses in one byte, and the link-local one that the file need not list is one of them. */
function room(router: Router): readonly Finding[] {
  const listed = listedAddresses(router.value);
  const { length } = advertisedAddresses(listed, 1);
  const at = addressPath(router, listed.length - 1);
  if (length > 255) {
    const what = `a virtual router has at most 255 addresses, and with its link-local one these are ${length}`;
    return [errorAt(at, what, "write the others in extra_addresses, which are not advertised")];
  }
  if (length <= roomInFrame) return [];
  const what = `an advertisement of ${length} IPv6 addresses does not fit into one packet of 1500 bytes`;
  return [warningAt(at, what, "write the others in extra_addresses, which are not advertised")];
}
