import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { familyOf } from "../../src/base/address.ts";
import { runCommand } from "./lab-command.ts";
import { type Child, type Host, waitFor } from "./lab.ts";

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
  readonly #host: Host;
  readonly #directory: string;
  readonly #daemons: readonly Child[];

  private constructor(host: Host, directory: string, daemons: readonly Child[]) {
    this.#host = host;
    this.#directory = directory;
    this.#daemons = daemons;
  }

  /** Makes the macvlans, starts both daemons and waits until FRR knows every router and its macvlan. */
  static async start(host: Host, routers: readonly FrrRouter[]): Promise<Frr> {
    const directory = join(host.directory, "frr");
    // What killed daemons left behind would pass for living ones.
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    for (const router of routers) await makeMacvlans(host, router);
    const file = (name: string): string => join(directory, name);
    await Bun.write(file("zebra.conf"), "");
    await Bun.write(file("vrrpd.conf"), configuration(routers));
    // vtysh complains without its own file, and the daemons give their privileges up to be this user.
    await Bun.write(file("vtysh.conf"), "");
    await must(["chown", "-R", "frr:frr", directory]);
    const user = ["-u", "frr", "-g", "frr"];
    const start = (daemon: string): Child => {
      const own = ["-f", file(`${daemon}.conf`), "-i", file(`${daemon}.pid`), "--log", "stdout"];
      const shared = ["--vty_socket", directory, "-P", "0", "-z", file("zserv.api")];
      return host.spawn([`/usr/lib/frr/${daemon}`, ...user, ...own, ...shared], { cwd: directory });
    };
    const zebra = start("zebra");
    await waitFor("zebra is up", () => existsSync(file("zserv.api")) && existsSync(file("zebra.vty")));
    const frr = new Frr(host, directory, [start("vrrpd"), zebra]);
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
    await this.#vtysh("configure terminal", `interface ${link}`, ...commands);
  }

  /** Stops vrrpd, which resigns (priority 0), and then zebra. */
  async stop(): Promise<void> {
    for (const daemon of this.#daemons) {
      daemon.kill("SIGTERM");
      await daemon.exited;
    }
  }

  /** Kills both at once; nobody can say farewell. */
  async kill(): Promise<void> {
    for (const daemon of this.#daemons) daemon.kill("SIGKILL");
    await Promise.all(this.#daemons.map(({ exited }) => exited));
  }

  /** Gives what vrrpd logged so far. */
  log(): string {
    return this.#daemons[0]?.output() ?? "";
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
    try {
      return JSON.parse(await this.#vtysh("show vrrp json")) as readonly ShownRouter[];
    } catch {
      // vrrpd is not there yet, or busy: whoever waits asks again.
      return [];
    }
  }

  async #vtysh(...commands: readonly string[]): Promise<string> {
    const place = ["--vty_socket", this.#directory, "--config_dir", this.#directory];
    const typed = commands.flatMap((command) => ["-c", command]);
    const { stdout, stderr, exitCode } = await this.#host.run(["vtysh", ...place, "-d", "vrrpd", ...typed]);
    if (exitCode !== 0 || stdout.startsWith("%"))
      throw new Error(`vtysh ${commands.join("; ")}: ${stdout}${stderr}`);
    return stdout;
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

async function must(command: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
