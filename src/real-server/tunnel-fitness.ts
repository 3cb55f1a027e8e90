import { familyOf, type Family } from "../base/address.ts";
import { formatTunnel, type TunnelForm } from "../config/tunnel-words.ts";
import { fit, unfit, type Finding } from "./finding.ts";
import type { ActualLink } from "./state.ts";
import { sharedLink, tunnelLinks, tunnelOverhead, tunnelPorts, type TunnelPort } from "./tunnels.ts";

/** Judges whether this machine can serve behind tunnels. PURE. */

/** Where answers to clients go. */
export interface WayOut {
  readonly family: Family;
  readonly interface: string;
  /** Of the interface. */
  readonly mtu: number;
  /** Of the route, or null. */
  readonly routeMtu: number | null;
  /** Largest segment that the route announces, or null. */
  readonly advertisedMss: number | null;
}

/** What the judgement rests on. */
export interface TunnelSight {
  readonly links: readonly ActualLink[];
  readonly ports: readonly TunnelPort[];
  readonly waysOut: readonly WayOut[];
}

/** IP and TCP headers without options. */
const headers = { 4: 40, 6: 60 } as const;

/** Gives the findings about these tunnels to these VIPs. */
export function judgeTunnels(
  tunnels: readonly TunnelForm[],
  vips: readonly string[],
  sight: TunnelSight,
): readonly Finding[] {
  return [
    ...tunnelLinks(tunnels, vips).map(({ name, hasChecksum }): Finding => {
      const present = sight.links.find((link) => link.name === name);
      if (present === undefined) return unfit(name, "is missing: run `edge-ha rs start`");
      const isRight = present.isReady && (present.isOwn || name === sharedLink);
      if (!isRight || present.hasChecksum !== hasChecksum) {
        return unfit(
          name,
          "is not as `rs` makes it (down, without its address, or rp_filter): run `edge-ha rs start`",
        );
      }
      return fit(
        name,
        name === sharedLink ? "unpacks IPv6 in IPv4" : "unpacks what directors send, rp_filter is loose",
      );
    }),
    ...tunnelPorts(tunnels).map(({ family, port }): Finding => {
      const subject = `UDP ${port}`;
      return sight.ports.some((one) => one.family === family && one.port === port)
        ? fit(subject, `takes GUE over IPv${family}`)
        : unfit(subject, `takes no GUE over IPv${family}: run \`edge-ha rs start\``);
    }),
    ...judgeSizes(tunnels, vips, sight.waysOut),
  ];
}

/**
 * What a client may send has to fit once it is packed up, on a way whose MTU is taken for that of this machine's own
 * interface. Else directors answer large packets with ICMP, and clients behind a filter that drops it hang.
 */
function judgeSizes(
  tunnels: readonly TunnelForm[],
  vips: readonly string[],
  waysOut: readonly WayOut[],
): readonly Finding[] {
  const families = new Set(vips.map(familyOf));
  const widest = [...tunnels].sort((a, b) => tunnelOverhead(b) - tunnelOverhead(a))[0];
  if (widest === undefined) return [];
  const overhead = tunnelOverhead(widest);
  return waysOut
    .filter(({ family }) => families.has(family))
    .map(({ family, interface: name, mtu, routeMtu, advertisedMss }): Finding => {
      const announced = advertisedMss ?? Math.min(mtu, routeMtu ?? mtu) - headers[family];
      const most = mtu - overhead - headers[family];
      if (announced <= most) {
        return fit(
          name,
          `IPv${family} clients are told to send segments of ${announced} bytes, which fit when packed`,
        );
      }
      const flag = family === 6 ? "-6 " : "";
      return {
        subject: name,
        verdict: "note",
        text:
          `IPv${family} clients may send segments of ${announced} bytes; packed as ${formatTunnel(widest)} only ${most} fit ` +
          `an MTU of ${mtu}. Add advmss ${most} to the default route (\`ip ${flag}route change default … advmss ${most}\`), ` +
          "or raise the MTU between directors and this machine",
      };
    });
}
