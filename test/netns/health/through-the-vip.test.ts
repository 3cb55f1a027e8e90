import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { ProbePlan } from "../../../src/config/check-plan.ts";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import { planDetours } from "../../../src/config/plan-detours.ts";
import { startDirector, type DirectorProcess } from "../../support/director-process.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe, usualHttp } from "../../support/probe-plans.ts";

/**
 * Checks that go to the VIP by way of each server, from a director that holds the VIP itself: one server has it and serves
 * nothing else, one serves everything but does not have it, one has it and nobody listens there.
 */

setDefaultTimeout(120_000);
const vips = { 4: "10.77.0.100", 6: "fd77::100" } as const;
const servers = { fit: 21, "without the VIP": 22, deaf: 23 } as const;
let lab: Lab;
let director: Host;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  director = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/24" } });
  await director.ip(["-6", "address", "add", "fd77::11/64", "dev", "eth0"]);
  await director.ip(["address", "add", vips[4], "dev", "eth0"]);
  // As the elections add it: never the source of what the node itself sends.
  await director.ip(["-6", "address", "add", vips[6], "dev", "eth0", "preferred_lft", "0"]);
  for (const [name, number] of Object.entries(servers)) {
    const address = `10.77.0.${number}/24`;
    const host = await lab.host(`web${number}`, { eth0: { bridge: "lan", address } });
    await host.ip(["-6", "address", "add", `fd77::${number}/64`, "dev", "eth0"]);
    await host.run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]);
    if (name !== "without the VIP")
      for (const vip of Object.values(vips)) await host.ip(["address", "add", vip, "dev", "lo"]);
    const places = name === "fit" ? Object.values(vips) : ["10.77.0.22", "fd77::22"];
    if (name !== "deaf") await serve(host, places);
  }
});
afterAll(() => lab[Symbol.asyncDispose]());

/** An nginx that listens on these addresses alone, and says where it was asked, for whom, and by whom. */
async function serve(host: Host, addresses: readonly string[]): Promise<void> {
  const listen = addresses.map((one) => `listen ${one.includes(":") ? `[${one}]` : one}:80;`);
  const folder = host.directory;
  await Bun.write(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid nginx.pid; user root; events { worker_connections 64; }
    http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      server { ${listen.join(" ")} location / { return 200 "$server_addr $http_host $remote_addr"; } } }`,
  );
  // Datagrams, at the same addresses: what comes goes back.
  for (const address of addresses) {
    const echo = `await Bun.udpSocket({ hostname: "${address}", port: 80, socket: { data(socket, bytes, port, from) {
      socket.send(bytes, port, from); } } });`;
    host.spawn([process.execPath, "-e", echo]);
  }
  host.spawn(["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]);
  await waitFor("nginx listens", async () =>
    (await host.run(["ss", "-Hltn"])).stdout.includes(`${addresses[0]}:80`),
  );
  await waitFor("the echoes listen", async () => {
    const { stdout } = await host.run(["ss", "-Hlun"]);
    return addresses.every((one) => stdout.includes(`${one.includes(":") ? `[${one}]` : one}:80`));
  });
}

function probe(
  id: string,
  server: keyof typeof servers,
  o: { family?: 4 | 6; kind?: "tcp" | "udp" | "ping"; wantsReply?: boolean } = {},
): ProbePlan {
  const { family = 4, kind = "http" } = o;
  const vip = vips[family];
  const own = family === 4 ? "10.77.0.11" : "fd77::11";
  const asked = `${vip} ${family === 4 ? vip : `[${vip}]`} ${own}`;
  const expect = o.wantsReply === true ? "edc0de" : null;
  const checks = {
    tcp: { kind: "tcp" },
    ping: { kind: "ping" },
    udp: { kind: "udp", payload: "edc0de", expect },
    http: { ...usualHttp, body: { kind: "contains", text: asked } },
  } as const;
  const check = checks[kind];
  const number = servers[server];
  const target = { address: family === 4 ? `10.77.0.${number}` : `fd77::${number}`, port: 80 };
  return plannedProbe(id, check, { target, vip, intervalMs: 300, timeoutMs: 1_000, retries: 0 });
}

function planOf(probes: readonly ProbePlan[]): DirectorPlan {
  return {
    ...noDirectorPlan,
    ...planDetours(probes),
  };
}

async function tables(): Promise<string> {
  return (await director.run(["nft", "list", "ruleset"])).stdout;
}

function resultOf(checker: DirectorProcess, id: string): string {
  const found = checker.probe(id);
  return `${found?.isUp === true ? "up" : "down"}: ${found?.lastResult}`;
}

test("a server is up by the VIP that it serves, and not by an address of its own", async () => {
  await using checker = await startDirector(director);
  const wanted: Readonly<Record<string, unknown>> = {
    "fit 4": expect.stringMatching(/^up: status 200/),
    "fit tcp": expect.stringMatching(/^up: connected/),
    "fit 6": expect.stringMatching(/^up: status 200/),
    "without 4": "down: no answer within 1000 ms",
    "without 6": "down: no answer within 1000 ms",
    "deaf 4": "down: connection refused",
    "deaf 6": "down: connection refused",
    "fit udp 4": expect.stringMatching(/^up: reply of 3 bytes/),
    "fit udp 6": expect.stringMatching(/^up: reply of 3 bytes/),
    "fit ping 4": expect.stringMatching(/^up: echo/),
    "fit ping 6": expect.stringMatching(/^up: echo/),
    "without ping 4": "down: no answer within 1000 ms",
    "without ping 6": "down: no answer within 1000 ms",
    "without udp 4": "down: no answer within 1000 ms",
    "without udp 6": "down: no answer within 1000 ms",
    "deaf udp 4": "down: port unreachable",
    "deaf udp 6": "down: port unreachable",
  };
  const probes = [
    probe("fit 4", "fit"),
    probe("fit tcp", "fit", { kind: "tcp" }),
    probe("fit 6", "fit", { family: 6 }),
    probe("without 4", "without the VIP"),
    probe("without 6", "without the VIP", { family: 6 }),
    probe("deaf 4", "deaf"),
    probe("deaf 6", "deaf", { family: 6 }),
    ...([4, 6] as const).flatMap((family) => [
      probe(`fit udp ${family}`, "fit", { family, kind: "udp", wantsReply: true }),
      probe(`without udp ${family}`, "without the VIP", { family, kind: "udp", wantsReply: true }),
      probe(`fit ping ${family}`, "fit", { family, kind: "ping" }),
      probe(`without ping ${family}`, "without the VIP", { family, kind: "ping" }),
      probe(`deaf udp ${family}`, "deaf", { family, kind: "udp" }),
    ]),
  ];
  // The same servers by their own addresses say the opposite.
  const { vip: _, ...own } = probe("own", "without the VIP", { kind: "tcp" });
  probes.push({ ...own, vip: null });
  expect(await checker.configure(planOf(probes))).toBeNull();
  await waitFor("every probe has a result", () =>
    probes.every(({ id }) => (checker.probe(id)?.lastResult ?? "not checked yet") !== "not checked yet"),
  );
  expect(Object.keys(wanted).map((id): readonly [string, unknown] => [id, resultOf(checker, id)])).toEqual(
    Object.entries(wanted),
  );
  expect(resultOf(checker, "own")).toMatch(/^up: connected/);

  // Whoever removes the table does not make a check say what nobody asked.
  await director.run(["nft", "delete", "table", "netdev", "edge-ha-detour"]);
  await waitFor("the table is back", async () => (await tables()).includes("edge-ha-detour"));
  expect(resultOf(checker, "without 4")).toMatch(/^down: /);

  expect(await checker.stop()).toBe(0);
  expect(await tables()).not.toContain("edge-ha-detour");
});

test("what a director that was killed has left goes with the next one", async () => {
  {
    await using killed = await startDirector(director);
    expect(await killed.configure(planOf([probe("fit", "fit")]))).toBeNull();
    expect(await tables()).toContain("edge-ha-detour");
  }
  expect(await tables()).toContain("edge-ha-detour");
  await using next = await startDirector(director);
  expect(await next.configure(planOf([]))).toBeNull();
  expect(await tables()).not.toContain("edge-ha-detour");
});
