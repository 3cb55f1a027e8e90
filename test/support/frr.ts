import { familyOf } from "../../src/base/address.ts";
import { FrrDaemons } from "./frr-daemons.ts";
import { type Host, waitFor } from "./lab.ts";

/** One virtual router of FRR's, in its own words; it has an election of its own for each family of its addresses. */
export interface FrrRouter {
  readonly interface: string;
  readonly version: 2 | 3;
  readonly vrid: number;
  /** 1 to 254; FRR 8.4 knows no address owner. */
  readonly priority: number;
  /** Milliseconds, a multiple of 10. */
  readonly advertIntervalMs: number;
  /** Addresses with prefix, of one or both families; an IPv6 router of version 3 needs its link-local first. */
  readonly addresses: readonly string[];
  readonly preempts?: boolean;
}

/** An election of FRR's, as `show vrrp json` has it; the counters are in `stats`. */
export interface FrrElection {
  /** The macvlan it speaks through; empty while it has found none. */
  readonly interface: string;
  readonly vmac: string;
  readonly primaryAddress: string;
  readonly status: "Initialize" | "Backup" | "Master";
  readonly effectivePriority: number;
  readonly masterAdverInterval: number;
  readonly stats: Readonly<Record<string, number>>;
  readonly addresses: readonly string[];
}

interface ShownRouter {
  readonly vrid: number;
  readonly interface: string;
  readonly v4: FrrElection;
  readonly v6: FrrElection;
}

/**
 * FRR's zebra and vrrpd on a host. FRR speaks through a macvlan with the virtual MAC, which has to be there before it;
 * it is made here, with the addresses on it, and FRR takes its carrier away (protodown) while it is backup. The
 * addresses stay on it, so `Host.holds` says nothing about FRR: ask for its state.
 */
export class Frr {
  readonly #daemons: FrrDaemons;

  private constructor(daemons: FrrDaemons) {
    this.#daemons = daemons;
  }

  /** Makes the macvlans, starts both daemons and waits until FRR knows every router and its macvlan. */
  static async start(host: Host, routers: readonly FrrRouter[]): Promise<Frr> {
    for (const router of routers) await makeMacvlans(host, router);
    const frr = new Frr(
      await FrrDaemons.start(host, { name: "vrrp", configuration: configuration(routers) }),
    );
    await waitFor(`FRR on ${host.name} knows its routers`, () => frr.#isReady(routers));
    return frr;
  }

  /** Gives an election, or null while FRR does not answer. */
  async election(vrid: number, family: 4 | 6 = 4): Promise<FrrElection | null> {
    const router = (await this.#show()).find((one) => one.vrid === vrid);
    return router === undefined ? null : router[`v${family}`];
  }

  /** Waits until an election is in a state. */
  async reaches(status: FrrElection["status"], vrid: number, family: 4 | 6 = 4): Promise<void> {
    await waitFor(`FRR is ${status}`, async () => (await this.election(vrid, family))?.status === status);
  }

  /** Types commands in the configuration mode of an interface, such as `vrrp 51 priority 50`; throws if one is refused. */
  async configure(link: string, ...commands: readonly string[]): Promise<void> {
    await this.#daemons.vtysh("configure terminal", `interface ${link}`, ...commands);
  }

  /** Stops vrrpd, which resigns (priority 0), and then zebra. */
  stop(): Promise<void> {
    return this.#daemons.stop();
  }

  /** Kills both at once; nobody can say farewell. */
  kill(): Promise<void> {
    return this.#daemons.kill();
  }

  /** Gives what vrrpd logged so far. */
  log(): string {
    return this.#daemons.log();
  }

  async #isReady(routers: readonly FrrRouter[]): Promise<boolean> {
    const shown = await this.#show();
    return routers.every((router) => {
      const found = shown.find(({ vrid, interface: on }) => vrid === router.vrid && on === router.interface);
      return (
        found !== undefined &&
        familiesOf(router).every((family) => {
          const { interface: macvlan, addresses } = found[`v${family}`];
          return macvlan !== "" && addresses.length > 0;
        })
      );
    });
  }

  async #show(): Promise<readonly ShownRouter[]> {
    return ((await this.#daemons.show("show vrrp json")) ?? []) as readonly ShownRouter[];
  }
}

/** Writes vrrpd's configuration file. */
function configuration(routers: readonly FrrRouter[]): string {
  return routers.map(routerBlock).join("");
}

function routerBlock(router: FrrRouter): string {
  const { vrid, preempts = true } = router;
  const addresses = router.addresses.map((prefix) => {
    const [address = ""] = prefix.split("/");
    return ` vrrp ${vrid} ${familyOf(address) === 4 ? "ip" : "ipv6"} ${address}\n`;
  });
  return `interface ${router.interface}
 vrrp ${vrid} version ${router.version}
 vrrp ${vrid} priority ${router.priority}
 vrrp ${vrid} advertisement-interval ${router.advertIntervalMs}
${preempts ? "" : ` no vrrp ${vrid} preempt\n`}${addresses.join("")}exit
`;
}

function familiesOf(router: FrrRouter): readonly (4 | 6)[] {
  const families = new Set(router.addresses.map((address) => familyOf(address.split("/")[0] ?? "")));
  return ([4, 6] as const).filter((family) => families.has(family));
}

/** Makes what FRR's manual asks for: a macvlan with the virtual MAC and the addresses, for each family. */
async function makeMacvlans(host: Host, router: FrrRouter): Promise<void> {
  const { vrid, interface: link } = router;
  const vridDigits = vrid.toString(16).padStart(2, "0");
  for (const family of familiesOf(router)) {
    const name = `frr${family}-${vrid}`;
    const mac = `00:00:5e:00:0${family === 4 ? 1 : 2}:${vridDigits}`;
    const existing = await host.run(["ip", "link", "show", name]);
    if (existing.exitCode === 0) continue;
    await host.ip(["link", "add", name, "link", link, "address", mac, "type", "macvlan", "mode", "bridge"]);
    for (const prefix of router.addresses) {
      if (familyOf(prefix.split("/")[0] ?? "") === family)
        await host.ip(["address", "add", prefix, "dev", name, "noprefixroute"]);
    }
    await host.ip(["link", "set", name, "up"]);
  }
  // Or else the interface below answers ARP for the address with its own MAC, also while FRR is backup.
  const settings = `echo 1 >/proc/sys/net/ipv4/conf/${link}/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/${link}/arp_announce`;
  const { exitCode, stderr } = await host.run(["sh", "-ec", settings]);
  if (exitCode !== 0) throw new Error(stderr);
}
