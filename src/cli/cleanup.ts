import { errorText } from "../base/system-error.ts";
import { addressProtocol, type LeasedAddress, RouteNetlink } from "../kernel/rtnetlink.ts";

/**
 * Removes every address that carries the tag of the elections from this network namespace, and gives what it
 * removed. Meant for after the death of the whole service, so that no VIP stays behind on a host that does not
 * defend it. `sparesLeases` leaves those that the kernel removes by itself within seconds: a service that is started
 * again at once takes them over. Throws `SystemError` when the kernel refuses.
 */
export function removeLeftovers(sparesLeases: boolean): readonly LeasedAddress[] {
  const netlink = RouteNetlink.open();
  try {
    const leftovers = netlink.leases().filter(({ protocol, remainingS }) => {
      return protocol === addressProtocol.vrrp && !(sparesLeases && remainingS !== null);
    });
    return leftovers.filter((one) => netlink.removeAddress(one) === "removed");
  } finally {
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
    for (const { address, prefixLength } of removeLeftovers(hasCrashed)) {
      process.stderr.write(`edge-ha: removed ${address}/${prefixLength}, which a dead service left behind\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`edge-ha: leftover addresses could not be removed: ${errorText(error)}\n`);
    return 1;
  }
}
