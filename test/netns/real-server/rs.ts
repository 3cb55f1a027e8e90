import { join } from "node:path";
import { type CommandResult, type Host, type Lab, waitFor } from "../../support/lab.ts";
import { executable } from "../../support/edge-ha.ts";

/** `edge-ha rs` on a host of the lab, with a state file of the host's own. */
export class RealServer {
  readonly host: Host;
  readonly statePath: string;

  constructor(host: Host) {
    this.host = host;
    this.statePath = join(host.directory, "state", "rs.json");
  }

  /** Makes a web server with one interface, whose link has settled: later snapshots differ by `rs` alone. */
  static async plug(lab: Lab): Promise<RealServer> {
    await lab.bridge("lan");
    const host = await lab.host("web", { eth0: { bridge: "lan", address: "192.0.2.8/24" } });
    await waitFor("the link is up", async () => {
      return (await host.ip(["-oneline", "link", "show", "eth0"])).includes("state UP");
    });
    return new RealServer(host);
  }

  /** Runs `rs ACTION` with these VIPs; further arguments after them. */
  run(
    action: "start" | "stop" | "status",
    vips: readonly string[] = [],
    ...more: readonly string[]
  ): Promise<CommandResult> {
    const named = vips.flatMap((vip) => ["--vip", vip]);
    return this.host.run(this.command(action, ...named, ...more));
  }

  /** Gives the command line of `rs` with these words after it. */
  command(...words: readonly string[]): string[] {
    return [executable, "rs", ...words, "--state", this.statePath];
  }

  /** Runs `rs ACTION` and throws with what it wrote unless it ends with 0. */
  async expect(action: "start" | "stop" | "status", vips: readonly string[] = []): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(action, vips);
    if (exitCode !== 0) throw new Error(`rs ${action} ended with ${exitCode}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Reads everything that `rs` could change, as other programs see it. */
  async snapshot(): Promise<unknown> {
    const [addresses, main, local] = await Promise.all([
      // IPv6 addresses come up by themselves meanwhile.
      this.host.ip(["-4", "-json", "address", "show"]),
      this.host.ip(["-json", "route", "show", "table", "main"]),
      this.host.ip(["-json", "route", "show", "table", "local"]),
    ]);
    const settings = await this.sysctls();
    return { addresses: JSON.parse(addresses), main: JSON.parse(main), local: JSON.parse(local), settings };
  }

  /** Reads all ARP settings by name, such as `net.ipv4.conf.all.arp_ignore`. */
  async sysctls(): Promise<Readonly<Record<string, string>>> {
    const { stdout } = await this.host.run(["sysctl", "-a", "-r", String.raw`\.arp_(ignore|announce)$`]);
    return Object.fromEntries(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" = ")),
    );
  }

  async setSysctl(name: string, value: string): Promise<void> {
    await this.host.run(["sysctl", "-q", "-w", `${name}=${value}`]);
  }

  /** Gives the addresses of `lo` with their labels, such as `192.0.2.10/32 lo:0`. */
  async loopback(): Promise<readonly string[]> {
    const text = await this.host.ip(["-4", "-oneline", "address", "show", "dev", "lo"]);
    return text
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/))
      .map((words) => `${words[3]} ${words[words.indexOf("scope") + 2]?.replace("\\", "")}`);
  }
}

/** The configuration of two directors with one VIP, 192.0.2.100. */
export const clusterFile: string = `
[cluster]
name = "shop"
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.10" }
[[node]]
name = "lb2"
address = { eth0 = "192.0.2.11" }
[[vip]]
name = "web"
address = "192.0.2.100/24"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
`;
