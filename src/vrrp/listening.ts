import type { Family } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import { protocolFilter } from "../kernel/frame-filters.ts";
import { arpProbe, readFrame } from "../kernel/frames.ts";
import { neighbourQuestion } from "../kernel/neighbour-question.ts";
import { neighbourWordFilter, readNeighbourWord } from "../kernel/neighbour-word.ts";
import { PacketTap } from "../kernel/packet-tap.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import type { Host, LinkFamily, Neighbourhood } from "./host.ts";
import { vrrpProtocol } from "./packet.ts";

/** How the real machine listens to what others say on a link that is not for us. */

const ip = { 4: 0x0800, 6: 0x86dd } as const;
const neighbours = { 4: 0x0806, 6: 0x86dd } as const;

/** Opens a socket for ARP, or for neighbour advertisements. */
export function openNeighbourhood(
  { link, family }: LinkFamily,
  react: Parameters<Host["openNeighbourhood"]>[1],
  log: Log,
): Neighbourhood {
  const filter = neighbourWordFilter(family, []);
  const tap = PacketTap.open({ linkIndex: link.index, etherType: neighbours[family], filter });
  tap.onFrame(
    (frame) => {
      const word = readNeighbourWord(frame, link.mac);
      if (word !== null) react(word);
    },
    (error) => log.debug(`neighbours on ${link.name}: ${errorText(error)}`),
  );
  return {
    listenFor: (addresses) => tap.setFilter(neighbourWordFilter(family, addresses)),
    probe: (target, asker) => tap.send(question(link, target, { family, asker })),
    close: () => tap.close(),
  };
}

/**
 * An ARP probe enters nobody's table. Its sister of IPv6 comes from the host's own address: one from nowhere would be
 * answered to all nodes, which would turn every host on the link to the one that answers.
 */
function question(
  { mac }: Link,
  target: string,
  { family, asker }: { readonly family: Family; readonly asker: string },
): Uint8Array {
  return family === 4 ? arpProbe(mac, target) : neighbourQuestion({ mac, address: asker }, target);
}

/** Opens a socket for every VRRP packet over IP of a family. */
export function openCapture(
  { link, family }: LinkFamily,
  react: Parameters<Host["openCapture"]>[1],
  log: Log,
): { close(): void } {
  const filter = protocolFilter(vrrpProtocol, false);
  const tap = PacketTap.open({ linkIndex: link.index, etherType: ip[family], filter });
  tap.onFrame(
    (frame) => {
      const packet = readFrame(frame);
      if (packet?.kind === "ip") react(packet);
    },
    (error) => log.debug(`VRRP on ${link.name}: ${errorText(error)}`),
  );
  return { close: () => tap.close() };
}
