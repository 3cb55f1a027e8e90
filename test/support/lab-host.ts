import { ip, runCommand, spawnCommand } from "./lab-command.ts";
import type { Child, CommandResult, RunOptions, SpawnOptions } from "./lab-command.ts";

/** An interface of a host and the switch port at its other end. */
interface Plug {
  readonly port: string;
  readonly bridge: string;
  readonly address: string;
}

/** What a lab tells a new host about itself. */
export interface HostPlan {
  readonly name: string;
  readonly netns: string;
  readonly switchNetns: string;
  readonly directory: string;
}

/** A machine of a lab: a network namespace with its processes. */
export class Host {
  readonly name: string;
  readonly netns: string;
  /** A folder for this host's files, removed with the lab. */
  readonly directory: string;
  readonly #switch: string;
  readonly #plugs = new Map<string, Plug>();
  readonly #children: Child[] = [];

  constructor(plan: HostPlan) {
    this.name = plan.name;
    this.netns = plan.netns;
    this.directory = plan.directory;
    this.#switch = plan.switchNetns;
  }

  /** Takes an interface that the lab has moved into this host: address and up; called by `Lab.host` only. */
  async attach(ifname: string, plug: Plug): Promise<void> {
    this.#plugs.set(ifname, plug);
    await this.ip(["address", "add", plug.address, "dev", ifname]);
    await this.ip(["link", "set", ifname, "up"]);
  }

  /** Runs a command on this host to its end; never throws because of its exit status. */
  run(command: readonly string[], o: RunOptions = {}): Promise<CommandResult> {
    return runCommand(this.#inside(command), o);
  }

  /** Starts a process on this host; it is killed with the lab. */
  spawn(command: readonly string[], o: SpawnOptions = {}): Child {
    // `ip netns exec` becomes the command by exec(2): the pid is the command's own.
    const child = spawnCommand(this.#inside(command), o);
    this.#children.push(child);
    return child;
  }

  /** Runs `ip` within this host; throws with its message when it fails. */
  ip(args: readonly string[]): Promise<string> {
    return ip(["-n", this.netns, ...args]);
  }

  /** Gives all addresses of this host's interfaces with their prefix, such as `192.0.2.1/24`. */
  async addresses(): Promise<string[]> {
    const lines = (await this.ip(["-brief", "address", "show"])).split("\n");
    return lines.flatMap((line) => line.trim().split(/\s+/).slice(2));
  }

  /** Tells whether some interface of this host carries `address`, given without its prefix. */
  async holds(address: string): Promise<boolean> {
    return (await this.addresses()).some((each) => each.split("/")[0] === address);
  }

  /** Pulls the cable: the carrier is lost. */
  async cutLink(ifname: string): Promise<void> {
    await ip(["-n", this.#switch, "link", "set", this.#plug(ifname).port, "down"]);
  }

  /** Plugs the cable in again. */
  async restoreLink(ifname: string): Promise<void> {
    await ip(["-n", this.#switch, "link", "set", this.#plug(ifname).port, "up"]);
  }

  /** Drops all frames from and to the interface; the carrier stays. */
  async blockLink(ifname: string): Promise<void> {
    await ip(["-n", this.#switch, "link", "set", this.#plug(ifname).port, "nomaster"]);
  }

  /** Lets frames through again. */
  async unblockLink(ifname: string): Promise<void> {
    const { port, bridge } = this.#plug(ifname);
    await ip(["-n", this.#switch, "link", "set", port, "master", bridge]);
  }

  /** Has the switch pass no multicast to the interface, as one does that snoops and knows no member there. */
  async blockMulticast(ifname: string): Promise<void> {
    await this.#setMulticast(ifname, "off");
  }

  /** Lets multicast through again. */
  async unblockMulticast(ifname: string): Promise<void> {
    await this.#setMulticast(ifname, "on");
  }

  /** Gives the pids of all processes on this host. */
  async pids(): Promise<number[]> {
    return (await ip(["netns", "pids", this.netns])).split("\n").filter(Boolean).map(Number);
  }

  /** Kills every process on this host, whoever started it, and waits until all are gone. */
  async killAll(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    for (let pids = await this.pids(); pids.length > 0; pids = await this.pids()) {
      for (const pid of pids) signalQuietly(pid, "SIGKILL");
      await Bun.sleep(2);
    }
    await Promise.all(this.#children.map((child) => child.exited));
    this.#children.length = 0;
  }

  /** Takes the power away: every link is cut and every process killed; nobody can say farewell. */
  async powerOff(): Promise<void> {
    for (const ifname of this.#plugs.keys()) await this.cutLink(ifname);
    await this.killAll();
  }

  /** Gives power back after `powerOff`: links up, with the addresses the host was made with and no others. */
  async powerOn(): Promise<void> {
    for (const [ifname, { address }] of this.#plugs) {
      await this.ip(["address", "flush", "dev", ifname, "scope", "global"]);
      await this.ip(["address", "add", address, "dev", ifname]);
      await this.restoreLink(ifname);
    }
  }

  async #setMulticast(ifname: string, state: "on" | "off"): Promise<void> {
    const { port } = this.#plug(ifname);
    await ip(["-n", this.#switch, "link", "set", port, "type", "bridge_slave", "mcast_flood", state]);
  }

  #plug(ifname: string): Plug {
    const plug = this.#plugs.get(ifname);
    if (plug === undefined) throw new Error(`${this.name} has no interface ${ifname}`);
    return plug;
  }

  #inside(command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.netns, ...command];
  }
}

/** Sends a signal to a process that may be gone already. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
