import { errorText } from "../base/system-error.ts";
import { addressProtocol, RouteNetlink } from "../kernel/rtnetlink.ts";
import { VirtualMacLinks } from "../kernel/virtual-mac-links.ts";

/**
 * Removes every address that carries the tag of the elections from this network namespace, and every interface that was
 * made for a virtual MAC, and names what it removed. Meant for after the death of the whole service, so that no VIP stays
 * behind on a host that does not defend it. `sparesLeases` leaves addresses that the kernel removes by itself within
 * seconds, and what they are on: a service that is started again at once takes them over. Throws `SystemError` when the
 * kernel refuses.
 */
export function removeLeftovers(sparesLeases: boolean): readonly string[] {
  const netlink = RouteNetlink.open();
  const links = VirtualMacLinks.open();
  try {
    const ours = netlink.leases().filter(({ protocol }) => protocol === addressProtocol.vrrp);
    const spared = ours.filter(({ remainingS }) => sparesLeases && remainingS !== null);
    const leftovers = ours.filter((one) => !spared.includes(one));
    const gone = leftovers.filter((one) => netlink.removeAddress(one) === "removed");
    const inUse = new Set(spared.map(({ linkIndex }) => linkIndex));
    return [
      ...gone.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      ...links.remove(({ index }) => !inUse.has(index)).map(({ name }) => `interface ${name}`),
    ];
  } finally {
    links.close();
    netlink.close();
  }
}

/**
 * Removes leftovers and names them; gives the exit status. `serviceResult` is systemd.exec(5)'s SERVICE_RESULT: anything
 * but `success` is a crash, after which the service is started again.
 */
export async function runCleanup(serviceResult: string | undefined): Promise<number> {
  const hasCrashed = serviceResult !== undefined && serviceResult !== "success";
  try {
    for (const leftover of removeLeftovers(hasCrashed)) {
      process.stderr.write(`edge-ha: removed ${leftover}, which a dead service left behind\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`edge-ha: leftovers could not be removed: ${errorText(error)}\n`);
    return 1;
  }
}
