import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { arpSenderFilter, protocolFilter } from "../kernel/frame-filters.ts";
import { arpProbe, readFrame } from "../kernel/frames.ts";
import { PacketTap } from "../kernel/packet-tap.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import type { Host, Neighbourhood } from "./host.ts";
import { vrrpProtocol } from "./packet.ts";

/** How the real machine listens to what others say on a link that is not for us. */

const etherType = { ipv4: 0x0800, arp: 0x0806 } as const;

/** Opens a socket for ARP. */
export function openNeighbourhood(
  link: Link,
  react: Parameters<Host["openNeighbourhood"]>[1],
  log: Log,
): Neighbourhood {
  const tap = PacketTap.open({
    linkIndex: link.index,
    etherType: etherType.arp,
    filter: arpSenderFilter([]),
  });
  tap.onFrame(
    (frame) => {
      const message = readFrame(frame);
      if (message?.kind === "arp") react(message);
    },
    (error) => log.debug(`ARP on ${link.name}: ${errorText(error)}`),
  );
  return {
    listenFor: (addresses) => tap.setFilter(arpSenderFilter(addresses)),
    probe: (address) => tap.send(arpProbe(link.mac, address)),
    close: () => tap.close(),
  };
}

/** Opens a socket for every VRRP packet over IPv4. */
export function openCapture(
  link: Link,
  react: Parameters<Host["openCapture"]>[1],
  log: Log,
): { close(): void } {
  const filter = protocolFilter(vrrpProtocol, false);
  const tap = PacketTap.open({ linkIndex: link.index, etherType: etherType.ipv4, filter });
  tap.onFrame(
    (frame) => {
      const packet = readFrame(frame);
      if (packet?.kind === "ip") react(packet);
    },
    (error) => log.debug(`VRRP on ${link.name}: ${errorText(error)}`),
  );
  return { close: () => tap.close() };
}
