import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FitnessReport } from "../../../src/real-server/status.ts";
import { type Host, Lab } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "192.0.2.100";
const vip6 = "2001:db8::100";
const config = `
[cluster]
name = "shop"
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.10" }
[[node]]
name = "lb2"
address = { eth0 = "192.0.2.11" }
[real_server]
addresses = ["${vip}", "${vip6}"]
`;

async function macOf(host: Host): Promise<string> {
  const links = JSON.parse(await host.ip(["-json", "link", "show", "eth0"])) as { address: string }[];
  return links[0]?.address ?? "";
}

/** What `rs status` finds about who answers, by VIP, such as `fit lb1 (…), and nobody else, …`. */
async function answers(server: RealServer, path: string): Promise<readonly string[]> {
  const { stdout } = await server.run("status", [], "--config", path, "--json");
  const { findings } = JSON.parse(stdout) as FitnessReport;
  return [vip, vip6].flatMap((address) => {
    const own = findings.filter(({ subject }) => subject === address);
    return own
      .filter(({ text }) => / answers? |could not be asked/.test(text))
      .map(({ verdict, text }) => `${verdict} ${text}`);
  });
}

test("`rs status` says who answers for each VIP on the wire, and who should not", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  const director = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  const rogue = await lab.host("rogue", { eth0: { bridge: "lan", address: "192.0.2.9/24" } });
  for (const [host, end] of [
    [server.host, "8"],
    [director, "10"],
    [rogue, "9"],
  ] as const) {
    await host.ip(["address", "add", `2001:db8::${end}/64`, "dev", "eth0", "nodad"]);
  }
  const path = join(server.host.directory, "edge-ha.toml");
  writeFileSync(path, config);
  expect((await server.run("start", [], "--config", path)).exitCode).toBe(0);
  expect(await answers(server, path)).toEqual([
    "note nobody answers ARP for it on eth0: no director holds it at the moment",
    "note nobody answers neighbour solicitations for it on eth0: no director holds it at the moment",
  ]);

  await director.ip(["address", "add", `${vip}/24`, "dev", "eth0"]);
  await director.ip(["address", "add", `${vip6}/64`, "dev", "eth0", "nodad"]);
  const lb1 = `lb1 (${await macOf(director)})`;
  expect(await answers(server, path)).toEqual([
    `fit ${lb1}, and nobody else, answers ARP for it on eth0`,
    `fit ${lb1}, and nobody else, answers neighbour solicitations for it on eth0`,
  ]);

  // Another web server that was forgotten: the VIP on its lo, and nothing that keeps it quiet.
  await rogue.ip(["address", "add", `${vip}/32`, "dev", "lo"]);
  await rogue.ip(["address", "add", `${vip6}/128`, "dev", "eth0", "nodad"]);
  const two = await answers(server, path);
  for (const finding of two) {
    expect(finding).toStartWith("unfit 2 machines answer");
    expect(finding).toContain(lb1);
    expect(finding).toContain(await macOf(rogue));
  }
  expect(two).toHaveLength(2);

  await director.ip(["address", "del", `${vip}/24`, "dev", "eth0"]);
  expect((await answers(server, path))[0]).toStartWith(
    `unfit ${await macOf(rogue)} answers ARP for it on eth0, and is none of the directors`,
  );
}, 60_000);

test("`rs status` says that tunnels need room, and when there is enough", async () => {
  await using lab = await Lab.create();
  const server = await RealServer.plug(lab);
  await server.host.ip(["route", "add", "default", "via", "192.0.2.1", "dev", "eth0"]);
  const status = async (): Promise<string> => (await server.run("status", [vip], "--tunnel", "ipip")).stdout;
  const tight = await status();
  expect(tight).toContain("unfit  rs-ipip      is missing: run `edge-ha rs start`");
  expect(tight).toContain(
    "packed as ipip only 1440 fit an MTU of 1500. Add advmss 1440 to the default route",
  );
  await server.host.ip(["route", "change", "default", "via", "192.0.2.1", "dev", "eth0", "advmss", "1440"]);
  expect(await status()).toContain(
    "IPv4 clients are told to send segments of 1440 bytes, which fit when packed",
  );
});
