import { resolve } from "node:path";
import type { NodeStatus } from "../../src/ipc/status.ts";
import { Guest } from "./guest.ts";

/** The two load balancers of the DR tests. */
export type Balancer = "lb1" | "lb2";
/** The two web servers. */
export type RealServer = "rs1" | "rs2";

export const vips = ["10.99.0.101", "10.99.0.102"] as const;

const config = `[cluster]
name = "vm"
advert_interval = "1s"

[[node]]
name = "lb1"
address = { eth0 = "10.99.0.11" }
[[node]]
name = "lb2"
address = { eth0 = "10.99.0.12" }

[[vip]]
name = "first"
address = "10.99.0.101/24"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
[[vip]]
name = "second"
address = "10.99.0.102/24"
interface = "eth0"
vrid = 52
prefer = ["lb2", "lb1"]

[[service]]
name = "web"
vips = ["first", "second"]
port = 80
forward = "dr"
scheduler = "wrr"
sorry = "127.0.0.1:80"
check = { type = "http", path = "/", status = 200, interval = "1s", timeout = "10s", retries = 0, rise = 1, fall = 2 }
servers = [
  { address = "10.99.0.21", weight = 1 },
  { address = "10.99.0.22", weight = 1 },
]
`;

/** Two edge-ha load balancers and two web servers in one guest. */
export class DrPair implements AsyncDisposable {
  readonly guest: Guest;

  private constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Boots the guest and makes the hosts; nothing runs on them yet. */
  static async boot(): Promise<DrPair> {
    const guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
    await guest.text(`bash /share/guest/topology.sh\ncat >/run/edge-ha.toml <<'TOML'\n${config}TOML\n`);
    return new DrPair(guest);
  }

  /** Starts the node and waits until it answers. */
  async startBalancer(name: Balancer): Promise<void> {
    const serve = `/share/edge-ha --socket /run/${name}.sock serve --config /run/edge-ha.toml --node ${name}`;
    await this.guest.text(
      `setsid ip netns exec ${name} ${serve} >>/run/${name}.log 2>&1 & echo $! >/run/${name}.pid`,
    );
    // Asking costs the guest more than looking for the socket does.
    await this.guest.text(
      `until [ -e /run/${name}.sock ]; do kill -0 $(cat /run/${name}.pid) || exit; sleep 0.2; done`,
    );
    const { exitCode } = await this.command(name, "status --json");
    if (exitCode !== 0) throw new Error(`${name} does not answer:\n${await this.log(name)}`);
  }

  /** Runs a command of the executable against a node. */
  command(name: Balancer, words: string): ReturnType<Guest["run"]> {
    return this.guest.run(`ip netns exec ${name} /share/edge-ha --socket /run/${name}.sock ${words}`);
  }

  async status(name: Balancer): Promise<NodeStatus> {
    const { stdout, stderr } = await this.command(name, "status --json");
    if (stdout === "") throw new Error(`status of ${name}: ${stderr}`);
    return JSON.parse(stdout) as NodeStatus;
  }

  /** The node's log so far. */
  log(name: Balancer): Promise<string> {
    return this.guest.text(`cat /run/${name}.log`);
  }

  /** Starts a web server that answers with `answer`; on a balancer it is the sorry server. */
  async startWeb(host: Balancer | RealServer, answer: string = host): Promise<void> {
    const web = `python3 /share/guest/web.py ${answer}`;
    await this.guest.text(
      `setsid ip netns exec ${host} ${web} >/run/web-${host}.log 2>&1 & echo $! >/run/web-${host}.pid`,
    );
    await this.guest.waitFor(`${host} serves`, async () => {
      return (await this.guest.run(`ip netns exec ${host} curl -sf -m 2 http://127.0.0.1/`)).exitCode === 0;
    });
  }

  async killWeb(host: RealServer): Promise<void> {
    await this.guest.text(`kill -9 $(cat /run/web-${host}.pid)`);
  }

  /** A balancer's table as `ipvsadm --save` writes it, sorted. */
  async table(name: Balancer): Promise<readonly string[]> {
    const text = await this.guest.text(`ip netns exec ${name} ipvsadm --save -n`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .sort();
  }

  /** Waits until a balancer's table is as expected; the error shows what it is instead. */
  async waitForTable(name: Balancer, expected: readonly string[]): Promise<void> {
    const wanted = JSON.stringify(expected);
    let seen = "";
    try {
      await this.guest.waitFor(`table of ${name}`, async () => {
        seen = JSON.stringify(await this.table(name));
        return seen === wanted;
      });
    } catch (error) {
      throw new Error(`table of ${name} is ${seen}, want ${wanted}\n${await this.log(name)}`, {
        cause: error,
      });
    }
  }

  /**
   * Connections that a balancer's entries have counted since they were made, by line of `ipvsadm --stats`; the kernel
   * adds them up every two seconds.
   */
  async connectionCounts(name: Balancer): Promise<Readonly<Record<string, number>>> {
    const text = await this.guest.text(`sleep 3; ip netns exec ${name} ipvsadm -Ln --stats --exact`);
    const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
    let service = "";
    const counts: Record<string, number> = {};
    for (const [kind, address, conns] of lines) {
      if (kind === "TCP") service = address ?? "";
      if (kind === "TCP") counts[service] = Number(conns);
      if (kind === "->" && Number.isFinite(Number(conns))) counts[`${service} ${address}`] = Number(conns);
    }
    return counts;
  }

  /** Waits until a balancer has counted so many connections to a VIP; the error shows what each counted instead. */
  async waitForCount(name: Balancer, vip: string, connections: number): Promise<void> {
    const counted = async (): Promise<boolean> =>
      (await this.connectionCounts(name))[`${vip}:80`] === connections;
    try {
      await this.guest.waitFor(`${name} has counted ${connections} connections to ${vip}`, counted, 60_000);
    } catch (error) {
      const counts = await Promise.all([this.connectionCounts("lb1"), this.connectionCounts("lb2")]);
      const logs = await Promise.all([this.log("lb1"), this.log("lb2")]);
      throw new Error(`${JSON.stringify(counts)}\n${logs.join("\n")}`, { cause: error });
    }
  }

  /** Asks a VIP several times, on a connection each, and gives the answers, such as `rs1 10.99.0.99`. */
  async ask(vip: string, times: number): Promise<readonly string[]> {
    const text = await this.guest.text(`ip netns exec client curl -s -m 60 'http://${vip}/?[1-${times}]'`);
    return text.split("\n").filter((line) => line !== "");
  }

  /** Starts a client of a VIP that never rests; gives what ends it and tells what it says of who answered. */
  async startClient(vip: string): Promise<() => Promise<string>> {
    // A guest on a busy machine may take seconds for an answer; who refuses or says nothing at all counts as a failure.
    await this.guest
      .text(`ip netns exec client python3 /share/guest/client.py ${vip} 600 5 >/run/client.log 2>&1 &
echo $! >/run/client.pid`);
    await this.guest.waitFor("the client is answered", async () => {
      return (await this.guest.run("grep -q begun /run/client.log")).exitCode === 0;
    });
    return async () => {
      await this.guest.text("kill $(cat /run/client.pid); tail -q --pid=$(cat /run/client.pid) -f /dev/null");
      return this.guest.text("tail -n 1 /run/client.log");
    };
  }

  async holds(name: Balancer, vip: string): Promise<boolean> {
    return (await this.guest.text(`ip -n ${name} -4 -o address show dev eth0`)).includes(` ${vip}/`);
  }

  /** Waits until each balancer holds the VIP that prefers it, and no other. */
  async waitForHomes(): Promise<void> {
    const [first, second] = vips;
    await this.guest.waitFor("each balancer holds its own VIP", async () => {
      const right = (await this.holds("lb1", first)) && (await this.holds("lb2", second));
      return right && !(await this.holds("lb1", second)) && !(await this.holds("lb2", first));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest[Symbol.asyncDispose]();
  }
}

/** The lines of a table in which both VIPs lead to these servers. */
export function expectedTable(
  servers: readonly string[],
  foreign: readonly string[] = [],
): readonly string[] {
  const entries = vips.flatMap((vip) => servers.map((server) => `-a -t ${vip}:80 -r ${server}:80 -g -w 1`));
  const services = vips.map((vip) => `-A -t ${vip}:80 -s wrr`);
  return [...services, ...entries, ...foreign].sort();
}
