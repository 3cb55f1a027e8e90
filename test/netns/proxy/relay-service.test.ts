import { expect, setDefaultTimeout, test } from "bun:test";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa } from "../../support/edge-ha.ts";
import { readFifo } from "../../support/read-fifo.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";

/** A service with `forward = "proxy"` in a whole node, with two proxy processes, asked from another host. */

setDefaultTimeout(60_000);

const serverPort = 8080;

/** Greets every connection with its name, as soon as it is asked. */
async function startGreeter(host: Host, name: string): Promise<Child> {
  // A check on a busy machine may reset a connection that has been accepted.
  const script =
    `import socket\ns=socket.create_server(('',${serverPort}))\nprint('ready',flush=True)\nwhile True:\n c,_=s.accept()\n` +
    ` try:\n  line=c.recv(100)\n  if line: c.sendall(b'${name}:'+line)\n except OSError: pass\n c.close()\n`;
  const greeter = host.spawn(["python3", "-c", script]);
  await waitFor(`${name} listens`, () => greeter.output().includes("ready"));
  return greeter;
}

/** Gives what so many connections, one after another, were answered. */
async function ask(client: Host, count: number): Promise<readonly string[]> {
  const script =
    `import socket\nfor turn in range(${count}):\n c=socket.create_connection(('192.0.2.11',80),5)\n` +
    ` c.sendall(b'%d' % turn)\n print(c.recv(100).decode())\n`;
  return (await client.run(["python3", "-c", script])).stdout.trim().split("\n");
}

function answers(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, turn) => `${name}:${turn}`);
}

function file(fifo: string, more: string): string {
  return `${nodesFile()}
[proxy]
workers = 2

[notify]
fifo = "${fifo}"
services = true

[[service]]
name = "relay"
addresses = ["192.0.2.11"]
port = 80
forward = "proxy"
${more}
check = { type = "tcp", port = ${serverPort}, interval = "60s", retries = 1, retry_delay = "30s" }
servers = [{ address = "192.0.2.21", port = ${serverPort} }, { address = "192.0.2.22", port = ${serverPort} }]
`;
}

test("a client keeps its server over a reload, and a server that refuses is out at once", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
  const [lb1, a, b, client] = [
    await host("lb1", 11),
    await host("a", 21),
    await host("b", 22),
    await host("client", 31),
  ];
  const greeters = new Map([
    ["a", await startGreeter(a, "a")],
    ["b", await startGreeter(b, "b")],
  ]);
  const notices = await readFifo(lb1, "notices");
  const node = await startEdgeHa(lb1, { config: file(notices.fifo, 'persistence = "5m"'), node: "lb1" });
  const probes = async (): Promise<string> =>
    (await node.status()).probes.map(({ isUp, lastResult }) => `${isUp} ${lastResult.split(" ")[0]}`).join();
  await waitFor("both servers are up", async () => (await probes()) === "true connected,true connected");

  const first = (await ask(client, 1))[0]?.[0] ?? "";
  const other = first === "a" ? "b" : "a";
  expect([first, other].toSorted((one, two) => one.localeCompare(two))).toEqual(["a", "b"]);
  expect(await ask(client, 8)).toEqual(answers(first, 8));

  // The next check is a minute away: a client's failure is what brings it on.
  greeters.get(first)?.kill("SIGKILL");
  await greeters.get(first)?.exited;
  expect(await ask(client, 1)).toEqual(answers(other, 1));
  await waitFor("the server is down", async () => (await probes()).includes("false"));
  greeters.set(first, await startGreeter(first === "a" ? a : b, first));
  const faster = file(notices.fifo, 'persistence = "4m"').replace('"60s"', '"200ms"');
  expect((await node.reload(faster)).exitCode).toBe(0);
  await waitFor("it is up again", async () => !(await probes()).includes("false"));
  expect(await ask(client, 8)).toEqual(answers(other, 8));
  expect(await node.stop()).toBe(0);
  const server = `RS [192.0.2.${first === "a" ? 21 : 22}]:tcp:${serverPort} [192.0.2.11]:tcp:80`;
  expect(notices.lines()).toEqual(["VS [192.0.2.11]:tcp:80 UP", `${server} DOWN`, `${server} UP`]);
});
