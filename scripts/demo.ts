import { existsSync } from "node:fs";
import { executable, startEdgeHa, type EdgeHa } from "../test/support/edge-ha.ts";
import { Lab, waitFor, type Host } from "../test/support/lab.ts";
import { ip } from "../test/support/lab-command.ts";
import { startNginx } from "../test/support/nginx.ts";
import { failureCount, startHttpProbe, type HttpReport } from "../test/support/probe.ts";

/**
 * The pair at work, told in words: two load balancers, two web servers and a client on one network; one load
 * balancer loses its power under load and gets it back.
 */

const vips = { first: "192.0.2.100", second: "192.0.2.101" } as const;

const clusterFile = (accessLog: string): string => `[cluster]
name = "demo"
vrrp_version = 3
advert_interval = "100ms"

[[node]]
name = "lb1"
address = { eth0 = "192.0.2.11" }
[[node]]
name = "lb2"
address = { eth0 = "192.0.2.12" }

[[vip]]
name = "public-1"
address = "${vips.first}/24"
interface = "eth0"
vrid = 51
prefer = ["lb1", "lb2"]
[[vip]]
name = "public-2"
address = "${vips.second}/24"
interface = "eth0"
vrid = 52
prefer = ["lb2", "lb1"]

[[listener]]
name = "http"
address = ":80"

[[upstream]]
name = "web"
servers = [{ address = "192.0.2.21:80" }, { address = "192.0.2.22:80" }]
check = { type = "http", path = "/", interval = "500ms", timeout = "300ms", rise = 1, fall = 2 }

[[site]]
hosts = ["*"]
listeners = ["http"]
access_log = { path = "${accessLog}", format = "main" }
[[site.route]]
path = "/"
upstream = "web"
`;

interface Stage {
  readonly lab: Lab;
  readonly lb1: Host;
  readonly lb2: Host;
  readonly client: Host;
  readonly webs: readonly Host[];
}

function say(text = ""): void {
  console.log(text);
}

async function setStage(): Promise<Stage> {
  const lab = await Lab.create();
  await lab.bridge("lan");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
  const lb1 = await host("lb1", 11);
  const lb2 = await host("lb2", 12);
  const webs = [await host("web1", 21), await host("web2", 22)];
  for (const web of webs) await startNginx(web);
  return { lab, lb1, lb2, webs, client: await host("client", 50) };
}

/** Starts `edge-ha serve`; the same file on both hosts. */
function start(host: Host): Promise<EdgeHa> {
  return startEdgeHa(host, { config: clusterFile(`${host.directory}/access.log`), node: host.name });
}

/** Asks the network which host answers for an address, by the link address in the client's neighbour table. */
async function holderOf(address: string, { client, lb1, lb2 }: Stage): Promise<string> {
  await client.run(["ip", "neighbour", "flush", "to", address]);
  await askOnce(client, address);
  const neighbour = await client.ip(["neighbour", "show", "to", address]);
  const mac = /lladdr (\S+)/.exec(neighbour)?.[1];
  if (mac === undefined) return "nobody";
  for (const host of [lb1, lb2]) {
    if ((await host.ip(["link", "show", "eth0"])).includes(mac)) return `${host.name} (${mac})`;
  }
  return mac;
}

/** Gives the body of an answer, or nothing if there was none. */
async function askOnce(client: Host, address: string): Promise<string> {
  const program = `const r = await fetch("http://${address}/", { signal: AbortSignal.timeout(1000) }); process.stdout.write(await r.text())`;
  return (await client.run([process.execPath, "-e", program])).stdout;
}

/** Shows the first lines of `edge-ha status`: which instance is in which state, and why. */
async function showStatus(nodes: readonly EdgeHa[]): Promise<void> {
  for (const node of nodes) {
    const { stdout } = await node.command("status");
    const [title = "", ...rest] = stdout.trimEnd().split("\n");
    const instances = rest.slice(rest.indexOf("") + 1);
    say(`    ${title.replace(/,.*/, "")}`);
    say(
      `${instances
        .slice(0, instances.indexOf(""))
        .map((line) => `      ${line}`)
        .join("\n")}\n`,
    );
  }
}

async function showAnswers(stage: Stage): Promise<void> {
  for (const address of Object.values(vips)) {
    const answers: string[] = [];
    for (let i = 0; i < 4; i += 1) answers.push((await askOnce(stage.client, address)).split(" ")[0] ?? "");
    say(
      `    ${address} is at ${await holderOf(address, stage)}; four requests went to ${answers.join(", ")}`,
    );
  }
}

function tell(label: string, report: HttpReport): void {
  const failures = failureCount(report);
  const reasons = Object.entries(report.failures).map(([reason, count]) => `${count} × ${reason}`);
  const failed = failures === 0 ? "none failed" : `${failures} failed (${reasons.join(", ")})`;
  const silence = `longest silence ${Math.round(report.longestSilenceMs)} ms`;
  const slowest = `slowest answer ${Math.round(report.slowestAnswerMs)} ms`;
  say(`    ${label}: ${report.requests} requests, ${failed}, ${silence}, ${slowest}`);
}

/** Puts load on both addresses while something happens, tells what the client saw and gives the first's report. */
async function underLoad(
  client: Host,
  labels: readonly [string, string],
  event: () => Promise<void>,
): Promise<HttpReport> {
  const load = (address: string) => startHttpProbe(client, { address, intervalMs: 5, timeoutMs: 3_000 });
  const probes = [await load(vips.first), await load(vips.second)] as const;
  await Bun.sleep(1_500);
  await event();
  await Bun.sleep(2_500);
  const [first, second] = await Promise.all(probes.map((probe) => probe.stop()));
  if (first === undefined || second === undefined) throw new Error("a probe gave no report");
  tell(labels[0], first);
  tell(labels[1], second);
  return first;
}

async function untilHolds(host: Host, address: string): Promise<void> {
  await waitFor(`${host.name} holds ${address}`, () => host.holds(address));
}

async function play(stage: Stage): Promise<void> {
  const { lb1, lb2, client } = stage;
  say(
    "1. Start `edge-ha serve` on lb1 and lb2, with the same file on both. Each is preferred for one address.",
  );
  const nodes = [await start(lb1), await start(lb2)] as const;
  await untilHolds(lb1, vips.first);
  await untilHolds(lb2, vips.second);
  await showStatus(nodes);

  say("2. The client finds each address at another host, and both web servers behind either.");
  await showAnswers(stage);

  say("\n3. lb1 loses its power while the client opens 200 new connections a second to each address.");
  const loss = await underLoad(
    client,
    [`${vips.first}, which lb1 held`, `${vips.second}, at lb2 all along`],
    async () => {
      await lb1.powerOff();
      await untilHolds(lb2, vips.first);
    },
  );
  say("   Now lb2 holds both:");
  await showAnswers(stage);
  say();
  await showStatus([nodes[1]]);

  say("4. lb1 gets its power back, starts `edge-ha serve` and takes its address again, under the same load.");
  let back: EdgeHa = nodes[0];
  const gain = await underLoad(
    client,
    [`${vips.first}, going back to lb1`, `${vips.second}, staying at lb2`],
    async () => {
      await lb1.powerOn();
      back = await start(lb1);
      await untilHolds(lb1, vips.first);
    },
  );
  await showAnswers(stage);
  say();
  await showStatus([back]);
  say(
    `In short: lb1 died without a word and ${vips.first} was out of reach for ${Math.round(loss.longestSilenceMs)} ms, with ` +
      `${failureCount(loss)} of ${loss.requests} requests lost;\nits return cost ${Math.round(gain.longestSilenceMs)} ms and ` +
      `${failureCount(gain)} requests. Advertisements go out every 100 ms; after three missing ones the other host takes over.\n`,
  );
  if (process.argv.includes("--stay")) await stay(stage, [back, nodes[1]]);
}

/** Prints what one can try, and waits for Ctrl-C, on which the lab takes itself away. */
async function stay({ client, lb1, lb2 }: Stage, nodes: readonly [EdgeHa, EdgeHa]): Promise<void> {
  say("Everything stays up until Ctrl-C. In another terminal, as root:\n");
  for (const [host, node] of [
    [lb1, nodes[0]],
    [lb2, nodes[1]],
  ] as const) {
    say(`    ${executable} --socket ${node.socket} status      # ${host.name}`);
    say(`    ip netns exec ${host.netns} ip -brief address`);
    say(`    tail -f ${host.directory}/access.log`);
  }
  say(`    ip netns exec ${client.netns} curl http://${vips.first}/`);
  say(`    kill ${nodes[0].pid}      # a planned stop of lb1`);
  await new Promise(() => setInterval(() => undefined, 60_000));
}

/** Throws if a namespace, a process or a file of the lab is still there. */
async function assertNothingLeft(
  { lab, lb1, lb2, webs, client }: Stage,
  pids: readonly number[],
): Promise<void> {
  // Killed processes whose parent is dead too are there until init has collected them.
  await waitFor("every process is gone", () => !pids.some((pid) => existsSync(`/proc/${pid}`)));
  const namespaces = await ip(["netns", "list"]);
  const hosts = [lb1, lb2, client, ...webs];
  const left = hosts.map(({ netns }) => netns).filter((netns) => namespaces.includes(netns));
  if (existsSync(lab.directory)) left.push(lab.directory);
  if (left.length > 0) throw new Error(`the demo left something behind: ${left.join(", ")}`);
}

say(
  "Two load balancers (lb1, lb2), two web servers (web1, web2) and a client: network namespaces on one bridge.",
);
say();
const stage = await setStage();
let pids: readonly number[] = [];
try {
  await play(stage);
  const { lb1, lb2, webs, client } = stage;
  pids = (await Promise.all([lb1, lb2, client, ...webs].map((host) => host.pids()))).flat();
} finally {
  await stage.lab[Symbol.asyncDispose]();
}
await assertNothingLeft(stage, pids);
say("The namespaces, their processes and their files are gone.");
