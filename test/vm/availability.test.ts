import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { Guest } from "./guest.ts";

/**
 * What decides which servers of a service get connections, on a kernel with IPVS and while downloads go on: thresholds, slow
 * start, inhibition, quorum, persistence, and the web server's own word. ipvsadm is the independent reader.
 */

setDefaultTimeout(300_000);
const direct = "10.99.0.101";
const outside = "10.99.0.100";
const [rs1, rs2] = ["10.98.0.21", "10.98.0.22"];
const servers = (first = "", second = ""): string =>
  `servers = [{ address = "${rs1}", port = 80${first} }, { address = "${rs2}", port = 80${second} }]`;

/** A check of rs1 by what a test writes into a file on the director. */
function word(name: string): string {
  return `, check = { type = "file", path = "/run/word-${name}", interval = "1s" }`;
}

function translated(name: string, port: number, ...lines: readonly string[]): string {
  const place = `name = "${name}"\nvips = ["outside"]\nport = ${port}\nforward = "nat"`;
  return ["[[service]]", place, ...lines].join("\n");
}

function vip(name: string, address: string): string {
  return `[[vip]]\nname = "${name}"\naddress = "${address}/24"\nprefer = ["lb1"]`;
}

const config = [
  '[cluster]\nname = "availability"\nadvert_interval = "1s"',
  '[[node]]\nname = "lb1"\naddress = { eth0 = "10.99.0.11/24", eth1 = "10.98.0.11/24" }',
  vip("direct", direct),
  vip("outside", outside),
  vip("gateway", "10.98.0.1"),
  translated("limited", 8081, 'scheduler = "rr"', servers(", upper_threshold = 2")),
  translated(
    "slow",
    8082,
    'slow_start = "20s"',
    servers(`, weight = 1000${word("slow")}`, ", weight = 1000"),
  ),
  translated("inhibited", 8083, 'scheduler = "rr"', "inhibit = true", servers(word("inhibited"))),
  translated(
    "quorate",
    8084,
    "quorum = 2",
    'quorum_up = ["/run/quorum"]\nquorum_down = ["/run/quorum"]\nquorum_user = "root"',
    servers(word("quorate")),
  ),
  translated(
    "asked",
    8085,
    'scheduler = "rr"',
    servers(', check = { type = "agent", port = 7777, interval = "1s" }'),
  ),
  `[[service]]
name = "sticky"
vips = ["direct"]
ports = [80, 8080]
fwmark = 5
forward = "dr"
scheduler = "rr"
persistence = "20s"
servers = [{ address = "10.99.0.21" }, { address = "10.99.0.22" }]`,
].join("\n");

const edgeHa = "ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock";
let guest: Guest;

beforeAll(async () => {
  guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
  await guest.text(`modprobe -a ip_vs nf_tables
bash /share/guest/gateway.sh
cat >/run/quorum <<'SH'
#!/bin/sh
echo "$EDGE_HA_SERVICE $EDGE_HA_QUORUM $EDGE_HA_WEIGHT" >>/run/quorum.log
SH
chmod 755 /run/quorum
cat >/run/edge-ha.toml <<'TOML'
${config}
TOML
agent="/share/edge-ha rs serve --vip ${direct} --agent ${rs1}:7777 --state /run/rs1.json"
setsid ip netns exec rs1 $agent >/run/rs1.log 2>&1 &
setsid ${edgeHa} serve --config /run/edge-ha.toml --node lb1 >/run/lb1.log 2>&1 & echo $! >/run/lb1.pid`);
  await guest.waitFor("lb1 holds its addresses", async () => {
    const { stdout } = await guest.run("ip -n lb1 -4 -o address show");
    if ([direct, outside, "10.98.0.1"].every((address) => stdout.includes(` ${address}/`))) return true;
    const { exitCode } = await guest.run("kill -0 $(cat /run/lb1.pid)");
    if (exitCode !== 0) throw new Error(await guest.text("cat /run/lb1.log"));
    return false;
  });
});
afterAll(() => guest[Symbol.asyncDispose]());

let batches = 0;

/** Downloads side by side through a service, of so many lines; gives who sent each, with what is wrong with it. */
async function downloads(port: number, count: number, lines: number): Promise<readonly string[]> {
  batches += 1;
  const file = `/run/got-${batches}`;
  const one = `ip netns exec client curl -sN -m 200 http://${outside}:${port}/${lines} >${file}-$n`;
  await guest.text(`for n in $(seq ${count}); do ${one} & sleep 0.2; done; wait`);
  const texts = await Promise.all(
    Array.from({ length: count }, (_, index) => guest.text(`cat ${file}-${index + 1}`)),
  );
  return texts.map((text) => {
    const from = text.split(" ")[0] ?? "";
    const whole = Array.from({ length: lines }, (_, line) => `${from} 10.99.0.99 ${line}\n`).join("");
    return text === whole ? from : `cut off: ${JSON.stringify(text.slice(-60))}`;
  });
}

/** The weight of rs1 in a service's table; null if it is not there. */
async function weight(port: number): Promise<number | null> {
  const list = await guest.text(`ip netns exec lb1 ipvsadm -Ln -t ${outside}:${port}`);
  const found = new RegExp(`-> ${rs1}:80 +Masq +(\\d+) `).exec(list);
  return found === null ? null : Number(found[1]);
}

async function waitForWeight(port: number, wanted: number | null): Promise<void> {
  let seen: number | null = null;
  await guest
    .waitFor(`rs1 has weight ${wanted}`, async () => (seen = await weight(port)) === wanted, 90_000)
    .catch(async (error: unknown) => {
      const log = await guest.text("tail -30 /run/lb1.log");
      throw new Error(`rs1 at ${port} has weight ${seen}, not ${wanted}\n${log}`, { cause: error });
    });
}

async function waitForConnections(port: number, wanted: number): Promise<void> {
  await guest.waitFor(`${wanted} connections`, async () => {
    const list = await guest.text("ip netns exec lb1 ipvsadm -Lnc");
    const open = list
      .split("\n")
      .filter((line) => line.includes("ESTABLISHED") && line.includes(`:${port} `));
    return open.length === wanted;
  });
}

/** Waits until the program of the quorum has been told all this, and nothing else. */
async function waitForTold(lines: readonly string[]): Promise<void> {
  let seen = "";
  await guest
    .waitFor("the program ran", async () => {
      seen = (await guest.run("cat /run/quorum.log")).stdout;
      return seen === lines.map((line) => `quorate ${line}\n`).join("");
    })
    .catch(async (error: unknown) => {
      throw new Error(`${seen}\n${await guest.text("grep -i quor /run/lb1.log || true")}`, {
        cause: error,
      });
    });
}

const say = (name: string, text: string): Promise<string> => guest.text(`echo ${text} >/run/word-${name}`);

test("a server gets no more connections than its threshold allows", async () => {
  // So long that none has ended before the last has begun, also on a busy machine.
  const answers = await downloads(8081, 6, 75);
  expect(answers.toSorted()).toEqual(["rs1", "rs1", "rs2", "rs2", "rs2", "rs2"]);
});

test("a server that comes back starts slowly, as its weights in the table show", async () => {
  await waitForWeight(8082, 1000);
  await say("slow", "down");
  await waitForWeight(8082, null);
  await say("slow", "up");
  const seen: number[] = [];
  await guest.waitFor("rs1 has its whole weight", async () => {
    const now = await weight(8082);
    if (now !== null && now !== seen.at(-1)) seen.push(now);
    return now === 1000;
  });
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  expect(seen.length).toBeGreaterThan(2);
});

test("an inhibited server keeps its connections and gets no new ones", async () => {
  const open = downloads(8083, 2, 60);
  await waitForConnections(8083, 2);
  await say("inhibited", "down");
  await waitForWeight(8083, 0);
  expect(await downloads(8083, 3, 1)).toEqual(["rs2", "rs2", "rs2"]);
  expect((await open).toSorted()).toEqual(["rs1", "rs2"]);
  await say("inhibited", "up");
  await waitForWeight(8083, 1);
});

test("programs are told when a quorum is lost and there again", async () => {
  await waitForTold(["up 2"]);
  await say("quorate", "down");
  await waitForTold(["up 2", "down 1"]);
  await say("quorate", "up");
  await waitForTold(["up 2", "down 1", "up 2"]);
});

test("a web server that says drain keeps its connections and gets no new ones, until it says otherwise", async () => {
  await waitForWeight(8085, 1);
  const open = downloads(8085, 2, 60);
  await waitForConnections(8085, 2);
  const drain = "ip netns exec rs1 /share/edge-ha rs drain --state /run/rs1.json";
  await guest.text(drain);
  await waitForWeight(8085, 0);
  expect(await downloads(8085, 3, 1)).toEqual(["rs2", "rs2", "rs2"]);
  expect((await open).toSorted()).toEqual(["rs1", "rs2"]);
  await guest.text(`${drain} --undo`);
  await waitForWeight(8085, 1);
  expect((await downloads(8085, 2, 1)).toSorted()).toEqual(["rs1", "rs2"]);
});

test("a client stays with its server at every port of a service, and is free again when that is over", async () => {
  const ask = async (port: number): Promise<string> =>
    (await guest.text(`ip netns exec client python3 /share/guest/resets.py ${direct} ${port}`)).trim();
  const answers = [await ask(80), await ask(8080), await ask(8080), await ask(80)];
  const [first = ""] = answers;
  expect(first).toMatch(/^rs[12]$/);
  expect(answers).toEqual(Array(4).fill(first));
  await guest.waitFor("the director has forgotten the client", async () => {
    const list = await guest.text("ip netns exec lb1 ipvsadm -Lnc");
    return !list.split("\n").some((line) => /0\.0\.0\.5:0|10\.99\.0\.2[12]:/.test(line));
  });
  const next = await ask(80);
  expect([first, next].toSorted()).toEqual(["rs1", "rs2"]);
  expect(await ask(8080)).toBe(next);
});
