import { resolve } from "node:path";
import type { ProxiedServerStatus, ProxiedStatus } from "../../../src/ipc/status.ts";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../../support/edge-ha.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { startNginx } from "../../support/nginx.ts";

/** A node with relays and upstreams over two web servers, and a client. */

/** Answers every line with its name, over and over; a connection to `healthPort` means that it is well. */
export const namePort = 7000;
const healthPort = 7001;
/** Resets every connection that says something. */
export const rudePort = 7002;
const slowPort = 7003;

const serverScript = `
import socket, struct, sys, threading
name = sys.argv[1].encode()
def serve(client):
    try:
        while client.recv(100): client.sendall(name + b'\\n')
    except OSError: pass
    client.close()
def rude(client):
    client.recv(100)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
def accept(port, handle):
    listener = socket.create_server(('', port), backlog=64)
    while True: threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept, args=(${rudePort}, rude), daemon=True).start()
def datagrams():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('', ${namePort}))
    while True: s.sendto(name + b'\\n', s.recvfrom(100)[1])
threading.Thread(target=datagrams, daemon=True).start()
print('ready', flush=True)
accept(${namePort}, serve)
`;

/** Speaks over one connection as long as it is there, and says once who answers, and what became of it. */
const clientScript = `
import socket, time
c = socket.create_connection(('192.0.2.11', 90), 5)
seen = b''
try:
    while True:
        c.sendall(b'x\\n')
        answer = c.recv(100)
        if not answer: break
        if answer != seen: print(answer.decode().strip(), flush=True)
        seen = answer
        time.sleep(0.05)
except OSError: pass
print('lost', flush=True)
`;

/** The same in datagrams of one flow. */
export const flowScript = `
import socket, time
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
c.settimeout(0.2)
c.connect(('192.0.2.11', 91))
seen = b''
while True:
    try:
        c.send(b'x')
        answer = c.recv(100)
        if answer != seen: print(answer.decode().strip(), flush=True)
        seen = answer
    except OSError: pass
    time.sleep(0.05)
`;

/** The file of the node, with more lines for its relay, keys for servers, and tables. */
export function file(more: { relay?: string; server?: string; tables?: string } = {}): string {
  const server = (number: number): string =>
    `{ address = "192.0.2.2${number}", port = ${namePort}${more.server ?? ""} }`;
  return `${nodesFile()}
[proxy]
workers = 2

[[service]]
name = "names"
addresses = ["192.0.2.11"]
port = 90
forward = "proxy"
scheduler = "lc"
check = { type = "tcp", port = ${healthPort}, interval = "100ms", timeout = "1s", retries = 0 }
${more.relay ?? ""}
servers = [${server(1)}, ${server(2)}]

[[service]]
name = "flows"
addresses = ["192.0.2.11"]
port = 91
protocol = "udp"
forward = "proxy"
scheduler = "rr"
idle_timeout = "1s"
servers = [${server(1)}, ${server(2)}]

[[listener]]
name = "http"
address = "192.0.2.11:80"
[[upstream]]
name = "web"
servers = [{ address = "192.0.2.21:80" }, { address = "192.0.2.22:80" }]
[[upstream]]
name = "slow"
servers = [{ address = "192.0.2.21:${slowPort}" }, { address = "192.0.2.22:${slowPort}" }]
[[site]]
hosts = ["*"]
listeners = ["http"]
[[site.route]]
path = "/"
upstream = "web"
[[site.route]]
path = "/slow"
upstream = "slow"
${more.tables ?? ""}
`;
}

/** The hosts, with what runs on them. */
export class AvailabilityLab implements AsyncDisposable {
  readonly lb1: Host;
  readonly a: Host;
  readonly b: Host;
  readonly client: Host;
  readonly #lab: Lab;
  readonly #health = new Map<Host, Child>();
  #node: EdgeHa | null = null;

  private constructor(lab: Lab, [lb1, a, b, client]: readonly [Host, Host, Host, Host]) {
    this.#lab = lab;
    this.lb1 = lb1;
    this.a = a;
    this.b = b;
    this.client = client;
  }

  static async start(): Promise<AvailabilityLab> {
    const lab = await Lab.create();
    await lab.bridge("lan");
    const host = (name: string, number: number): Promise<Host> =>
      lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
    const hosts = [
      await host("lb1", 11),
      await host("a", 21),
      await host("b", 22),
      await host("client", 31),
    ] as const;
    const made = new AvailabilityLab(lab, hosts);
    const slowPage = resolve(import.meta.dir, "../../support/slow-page.mjs");
    for (const web of [made.a, made.b]) {
      const names = web.spawn(["python3", "-c", serverScript, web.name]);
      const slow = web.spawn(["node", slowPage, String(slowPort)]);
      await startNginx(web);
      await made.startHealth(web);
      await waitFor(
        "its servers listen",
        () => names.output().includes("ready") && slow.output().includes("listening"),
      );
    }
    await made.startNode();
    return made;
  }

  get node(): EdgeHa {
    if (this.#node === null) throw new Error("the node has not been started");
    return this.#node;
  }

  async startNode(): Promise<void> {
    const env = { EDGE_HA_STATE_DIRECTORY: this.lb1.directory };
    this.#node = await startEdgeHa(this.lb1, { config: file(), node: "lb1", env });
  }

  async startHealth(host: Host): Promise<void> {
    const script = `import socket\ns=socket.create_server(('',${healthPort}))\nprint('ready',flush=True)\nwhile True: s.accept()[0].close()`;
    const child = host.spawn(["python3", "-c", script]);
    await waitFor(`${host.name} is well`, () => child.output().includes("ready"));
    this.#health.set(host, child);
  }

  async stopHealth(host: Host): Promise<void> {
    this.#health.get(host)?.kill("SIGKILL");
    await this.#health.get(host)?.exited;
  }

  async group(name: string): Promise<ProxiedStatus> {
    const found = (await this.node.status()).proxied.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no ${name} in the status`);
    return found;
  }

  async serverOf(name: string, host: Host): Promise<ProxiedServerStatus> {
    const { servers } = await this.group(name);
    const wanted = host === this.a ? "192.0.2.21" : "192.0.2.22";
    const found = servers.find(({ address }) => address === wanted);
    if (found === undefined) throw new Error(`no ${host.name} in ${name}`);
    return found;
  }

  /** Opens a connection to the relay, or a flow, and waits until somebody answers. */
  async open(script: string = clientScript): Promise<Child> {
    const child = this.client.spawn(["python3", "-c", script]);
    await waitFor("an answer", () => child.output() !== "");
    return child;
  }

  /** Opens connections until each server has one. */
  async openBoth(script: string = clientScript): Promise<{ readonly toA: Child; readonly toB: Child }> {
    const opened: Child[] = [];
    const to = (name: string): Child | undefined =>
      opened.find((one) => one.output().startsWith(`${name}\n`));
    for (let turn = 0; turn < 12; turn++) {
      opened.push(await this.open(script));
      const [toA, toB] = [to("a"), to("b")];
      if (toA === undefined || toB === undefined) continue;
      for (const other of opened) if (other !== toA && other !== toB) await close(other);
      return { toA, toB };
    }
    throw new Error("one server gets no connection");
  }

  /** Gives who answers so many connections, one after another. */
  async answers(count: number): Promise<string> {
    const script = `import socket\nfor _ in range(${count}):\n c=socket.create_connection(('192.0.2.11',90),5)\n c.sendall(b'x')\n print(c.recv(9).decode().strip())\n c.close()\n`;
    const { stdout } = await this.client.run(["python3", "-c", script]);
    return [...new Set(stdout.trim().split("\n"))].toSorted((one, two) => one.localeCompare(two)).join("");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lab[Symbol.asyncDispose]();
  }
}

/** Ends a client. */
export async function close(child: Child): Promise<void> {
  child.kill("SIGKILL");
  await child.exited;
}
