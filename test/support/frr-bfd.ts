import { FrrDaemons } from "./frr-daemons.ts";
import { type Host, waitFor } from "./lab.ts";

/** One session of FRR's bfdd, in its own words. */
export interface FrrPeer {
  readonly interface: string;
  readonly peer: string;
  /** Needed for IPv6. */
  readonly localAddress?: string;
  /** Milliseconds. */
  readonly interval: number;
  readonly multiplier: number;
}

/** A session, as `show bfd peers json` has it. */
export interface FrrSession {
  readonly peer: string;
  readonly status: "up" | "down" | "init" | "shutdown";
  readonly diagnostic: string;
  readonly "remote-diagnostic": string;
  readonly "detect-multiplier": number;
  readonly "remote-detect-multiplier": number;
  readonly "remote-transmit-interval": number;
  readonly "remote-receive-interval": number;
}

type FrrCounters = readonly { readonly "session-down": number }[];

/** FRR's zebra and bfdd on a host. */
export class FrrBfd {
  readonly #daemons: FrrDaemons;

  private constructor(daemons: FrrDaemons) {
    this.#daemons = daemons;
  }

  /** Starts both daemons and waits until bfdd answers. */
  static async start(host: Host, peers: readonly FrrPeer[]): Promise<FrrBfd> {
    const options = ["--bfdctl", `${host.directory}/frr/control.sock`];
    const configuration = `bfd\n${peers.map(peerBlock).join("")}exit\n`;
    const frr = new FrrBfd(await FrrDaemons.start(host, { name: "bfd", configuration, options }));
    await waitFor("bfdd answers", async () => (await frr.#sessions()).length === peers.length);
    return frr;
  }

  /** Gives the session with a peer. */
  async session(peer: string): Promise<FrrSession | undefined> {
    return (await this.#sessions()).find((one) => one.peer === peer);
  }

  /** Waits until the session with a peer is in a state. */
  async reaches(status: FrrSession["status"], peer: string): Promise<void> {
    await waitFor(`FRR's session is ${status}`, async () => (await this.session(peer))?.status === status);
  }

  /** Gives how often its sessions went down since it was started, by whichever end's word. */
  async downs(): Promise<number> {
    for (;;) {
      const found = (await this.#daemons.show("show bfd peers counters json")) as FrrCounters | null;
      if (found !== null) return found.reduce((sum, one) => sum + one["session-down"], 0);
      await Bun.sleep(100);
    }
  }

  /** Types commands in the configuration of a peer, such as `shutdown`. */
  async configure(peer: Pick<FrrPeer, "peer" | "interface">, ...commands: readonly string[]): Promise<void> {
    await this.#daemons.vtysh("configure terminal", "bfd", peerLine(peer), ...commands);
  }

  /** Kills it; it cannot say farewell. */
  kill(): Promise<void> {
    return this.#daemons.kill();
  }

  async #sessions(): Promise<readonly FrrSession[]> {
    return ((await this.#daemons.show("show bfd peers json")) ?? []) as readonly FrrSession[];
  }
}

function peerLine({
  peer,
  interface: on,
  localAddress,
}: Pick<FrrPeer, "peer" | "interface" | "localAddress">): string {
  return `peer ${peer}${localAddress === undefined ? "" : ` local-address ${localAddress}`} interface ${on}`;
}

function peerBlock(peer: FrrPeer): string {
  return ` ${peerLine(peer)}
  detect-multiplier ${peer.multiplier}
  receive-interval ${peer.interval}
  transmit-interval ${peer.interval}
  no shutdown
 exit
`;
}
