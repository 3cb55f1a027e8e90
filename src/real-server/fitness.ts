import { familyOf, type Endpoint } from "../base/address.ts";
import type { TransportProtocol } from "../config/service-plan.ts";
import { fit, unfit, type Finding } from "./finding.ts";
import { type Listener, portsAnswering } from "./listeners.ts";
import type { ActualAddress } from "./state.ts";
import { hostLength } from "./steps.ts";

/**
 * Judges whether this machine can serve behind direct routing: it must take packets for the VIP, must not claim
 * the VIP by ARP or neighbour discovery on any interface, and something must listen. PURE: what was seen comes in, findings go out.
 */

/** An Ethernet interface that is up, with its own ARP and reverse-path settings. */
export interface SeenInterface {
  readonly name: string;
  readonly arpIgnore: number;
  readonly arpAnnounce: number;
  readonly rpFilter: number;
}

/** What a start asks before it changes anything. */
export interface Circumstances {
  readonly isLoopbackUp: boolean;
  /** IPv6 addresses can be on `lo`. */
  readonly hasIpv6: boolean;
  /** Addresses on every interface but `lo` that answers for them. */
  readonly elsewhere: readonly { readonly interface: string; readonly address: string }[];
}

/** What the judgement rests on. */
export interface Sight extends Circumstances {
  /** Addresses on `lo`. */
  readonly loopback: readonly ActualAddress[];
  /** Settings of `all`: the kernel takes the greater of these and the interface's. */
  readonly all: Omit<SeenInterface, "name">;
  readonly interfaces: readonly SeenInterface[];
  readonly listeners: readonly Listener[];
}

/** A socket of a service, which the web servers have to have. */
export interface ExpectedSocket extends Endpoint {
  readonly protocol: TransportProtocol;
}

/**
 * Values of arp_ignore that keep a global address of `lo` silent on another interface (Linux, ip-sysctl):
 * 1 and 2 look at the interface that was asked, 8 answers nothing. 3 answers global addresses; 4–7 are reserved.
 */
const silentArpIgnore: ReadonlySet<number> = new Set([1, 2, 8]);

/** Gives the findings for these VIPs, VIPs first; with nothing `expected` of a VIP any TCP port will do. */
export function judge(
  vips: readonly string[],
  sight: Sight,
  expected: readonly ExpectedSocket[] = [],
): readonly Finding[] {
  return [
    ...(sight.isLoopbackUp ? [] : [unfit("lo", "is down: bring it up with `ip link set lo up`")]),
    ...vips.flatMap((vip) => judgeVip(vip, sight, expected)),
    // IPv6 needs nothing of the interfaces: each answers solicitations for its own addresses alone.
    ...(vips.length === 0 || vips.some((vip) => familyOf(vip) === 4)
      ? sight.interfaces.flatMap((one) => judgeInterface(one, sight.all))
      : []),
  ];
}

/** Tells whether nothing among the findings speaks against direct routing. */
export function isFit(findings: readonly Finding[]): boolean {
  return findings.every((finding) => finding.verdict !== "unfit");
}

function judgeVip(vip: string, sight: Sight, expected: readonly ExpectedSocket[]): readonly Finding[] {
  const present = sight.loopback.filter((one) => one.address === vip);
  const single = hostLength(vip);
  const wide = present.find((one) => one.prefixLength !== single);
  const host = present.find((one) => one.prefixLength === single);
  const questions = single === 32 ? "ARP requests" : "neighbour solicitations";
  const others = sight.elsewhere.filter((one) => one.address === vip);
  return [
    host === undefined
      ? unfit(vip, "is not on lo: packets for it are not taken; run `edge-ha rs start`")
      : fit(vip, single === 32 ? `is on lo as /32, label ${host.label ?? "lo"}` : "is on lo as /128"),
    ...(wide === undefined
      ? []
      : [
          unfit(
            vip,
            `is on lo as /${wide.prefixLength}: the machine takes the whole network for its own; ` +
              `remove it with \`ip address del ${vip}/${wide.prefixLength} dev lo\``,
          ),
        ]),
    ...others.map((one) =>
      unfit(vip, `is on ${one.interface} too, where ${questions} for it are answered; remove it from there`),
    ),
    ...judgeListeners(vip, sight.listeners, expected),
  ];
}

function judgeListeners(
  vip: string,
  listeners: readonly Listener[],
  expected: readonly ExpectedSocket[],
): readonly Finding[] {
  const cure = `start the server, on the VIP or on ${familyOf(vip) === 4 ? "0.0.0.0" : "::"}`;
  const own = expected.filter(({ address }) => address === vip);
  if (own.length > 0) {
    return own.map(({ protocol, port }): Finding => {
      const what = `${protocol.toUpperCase()} port ${port}`;
      if (protocol === "sctp") return { subject: vip, verdict: "note", text: `${what} is not looked at` };
      return portsAnswering(vip, listeners, protocol).includes(port)
        ? fit(vip, `${what}: listened on`)
        : unfit(vip, `nothing listens on its ${what}: ${cure}`);
    });
  }
  const ports = portsAnswering(vip, listeners, "tcp");
  if (ports.length === 0) return [unfit(vip, `nothing listens on it over TCP: ${cure}`)];
  return [fit(vip, `TCP ${ports.length === 1 ? "port" : "ports"} ${ports.join(", ")}: listened on`)];
}

function judgeInterface(own: SeenInterface, all: Sight["all"]): readonly Finding[] {
  const arpIgnore = Math.max(all.arpIgnore, own.arpIgnore);
  const arpAnnounce = Math.max(all.arpAnnounce, own.arpAnnounce);
  const rpFilter = Math.max(all.rpFilter, own.rpFilter);
  return [
    silentArpIgnore.has(arpIgnore)
      ? fit(own.name, `does not answer ARP for the VIP (arp_ignore ${arpIgnore})`)
      : unfit(
          own.name,
          `answers ARP for the VIP (arp_ignore ${arpIgnore}); ${cureFor("arp_ignore", own, all)}`,
        ),
    arpAnnounce >= 2
      ? fit(own.name, `does not name the VIP in ARP requests (arp_announce ${arpAnnounce})`)
      : unfit(
          own.name,
          `may name the VIP in ARP requests (arp_announce ${arpAnnounce}); run \`edge-ha rs start\``,
        ),
    ...(rpFilter === 1
      ? [
          {
            subject: own.name,
            verdict: "note" as const,
            text:
              "rp_filter is 1 (strict): requests of clients are dropped if the way back to them is not through " +
              "this interface; 2 (loose) takes them",
          },
        ]
      : []),
  ];
}

/** `rs start` sets 1 on `all`, which does not help where the interface's own value is greater and wrong. */
function cureFor(name: string, own: SeenInterface, all: Sight["all"]): string {
  if (own.arpIgnore > 1) return `set net.ipv4.conf.${own.name}.${name} to 1 or 0`;
  return all.arpIgnore > 1 ? `set net.ipv4.conf.all.${name} to 1` : "run `edge-ha rs start`";
}
