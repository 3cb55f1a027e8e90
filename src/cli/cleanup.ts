import { errorText } from "../base/system-error.ts";
import { addressProtocol, type InterfaceAddress, RouteNetlink } from "../kernel/rtnetlink.ts";

/**
 * Removes every address that carries the tag of the elections from this network namespace, and gives what it
 * removed. Meant for after the death of the whole service, so that no VIP stays behind on a host that does not
 * defend it; throws `SystemError` when the kernel refuses. Kernels before 5.18 keep no tags: nothing is found.
 */
export function removeLeftovers(): readonly InterfaceAddress[] {
  const netlink = RouteNetlink.open();
  try {
    const leftovers = netlink.addresses().filter((one) => one.protocol === addressProtocol.vrrp);
    return leftovers.filter((one) => netlink.removeAddress(one) === "removed");
  } finally {
    netlink.close();
  }
}

/** Removes leftovers and names them; gives the exit status. */
export async function runCleanup(): Promise<number> {
  try {
    for (const { address, prefixLength } of removeLeftovers()) {
      process.stderr.write(`edge-ha: removed ${address}/${prefixLength}, which a dead service left behind\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`edge-ha: leftover addresses could not be removed: ${errorText(error)}\n`);
    return 1;
  }
}
