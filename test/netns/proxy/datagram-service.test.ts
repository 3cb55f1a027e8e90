import { expect, setDefaultTimeout, test } from "bun:test";
import { pairFile, vips } from "../../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../../support/edge-ha.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";

/** DNS relayed by a pair, with two proxy processes on each node: dnsmasq answers, and a client asks the virtual address. */

setDefaultTimeout(60_000);

const ipv6Vip = "2001:db8::100";

/** Each server has another address for the name that is asked for. */
async function startDns(host: Host, answer: string): Promise<Child> {
  const quiet = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file"];
  const record = `--host-record=who.example,${answer}`;
  const server = host.spawn(["dnsmasq", ...quiet, "--user=root", "--local=/example/", record]);
  await waitFor(`${host.name} answers`, async () => (await host.run(["ss", "-lun"])).stdout.includes(":53 "));
  return server;
}

/**
 * Asks for `who.example` over a connected socket, which takes answers from nowhere but the address it asked, again each
 * 200 ms until there is one; `count` times from one port, or each time from another.
 */
async function ask(
  client: Host,
  { address, count, isOneFlow = false }: { address: string; count: number; isOneFlow?: boolean },
): Promise<readonly string[]> {
  const script = `import socket
def opened():
 family, kind, _, _, place = socket.getaddrinfo('${address}', 53, type=socket.SOCK_DGRAM)[0]
 s = socket.socket(family, kind); s.settimeout(0.2); s.connect(place); return s
s = opened()
for turn in range(${count}):
 question = turn.to_bytes(2, 'big') + b'\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3who\\7example\\0\\0\\1\\0\\1'
 for attempt in range(150):
  try:
   s.send(question); answer = s.recv(512)
   if answer[:2] == question[:2]: break
  except OSError: answer = b''
 print('.'.join(str(b) for b in answer[-4:]))
 if not ${isOneFlow ? "True" : "False"}: s.close(); s = opened()
`;
  return (await client.run(["python3", "-c", script])).stdout.trim().split("\n");
}

function file(): string {
  return pairFile({
    tables: `[proxy]
workers = 2

[[vip]]
name = "six"
address = "${ipv6Vip}/64"
interface = "eth0"
vrid = 53
prefer = ["lb1", "lb2"]

[[sync_group]]
name = "both"
vips = ["first", "six"]

[[service]]
name = "dns"
vips = ["first", "six"]
port = 53
protocol = "udp"
forward = "proxy"
scheduler = "rr"
check = { type = "dns", record = "A", name = "who.example", interval = "60s", timeout = "500ms", retries = 0 }
servers = [{ address = "192.0.2.21" }, { address = "192.0.2.22" }]
`,
  });
}

async function up(node: EdgeHa | undefined): Promise<string> {
  return ((await node?.status())?.probes ?? []).map(({ isUp }) => isUp).join();
}

test("DNS goes on over the death of a server and of a node, from the address that was asked", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = async (name: string, number: number): Promise<Host> => {
    const made = await lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
    await made.run(["ip", "address", "add", `2001:db8::${number}/64`, "dev", "eth0", "nodad"]);
    return made;
  };
  const [lb1, lb2, a, b, client] = [
    await host("lb1", 11),
    await host("lb2", 12),
    await host("a", 21),
    await host("b", 22),
    await host("client", 31),
  ];
  const first = await startDns(a, "198.51.100.1");
  await startDns(b, "198.51.100.2");
  const nodes: readonly EdgeHa[] = [
    await startEdgeHa(lb1, { config: file(), node: "lb1" }),
    await startEdgeHa(lb2, { config: file(), node: "lb2" }),
  ];
  await waitFor("lb1 holds both", async () => (await lb1.holds(vips.first)) && (await lb1.holds(ipv6Vip)));
  await waitFor("both servers are up", async () => (await up(nodes[0])) === "true,true");

  const answers = await ask(client, { address: vips.first, count: 12 });
  expect(new Set(answers)).toEqual(new Set(["198.51.100.1", "198.51.100.2"]));
  const flow = await ask(client, { address: ipv6Vip, count: 6, isOneFlow: true });
  expect([flow.length, new Set(flow).size]).toEqual([6, 1]);

  // The next check is a minute away: what a client sent is refused, goes to the other server, and brings the check on.
  first.kill("SIGKILL");
  await first.exited;
  expect(new Set(await ask(client, { address: vips.first, count: 6 }))).toEqual(new Set(["198.51.100.2"]));
  await waitFor("the server is down", async () => (await up(nodes[0])) === "false,true");

  nodes[0]?.kill("SIGKILL");
  const moved = await ask(client, { address: vips.first, count: 3, isOneFlow: true });
  expect(new Set(moved)).toEqual(new Set(["198.51.100.2"]));
  expect(await lb2.holds(vips.first)).toBe(true);
  expect(new Set(await ask(client, { address: ipv6Vip, count: 3 }))).toEqual(new Set(["198.51.100.2"]));
  expect(await nodes[1]?.stop()).toBe(0);
});
