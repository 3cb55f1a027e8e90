import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "192.0.2.100";

interface Site {
  readonly client: Host;
  readonly server: RealServer;
}

/** A web server on 0.0.0.0:80 and a client on one network. */
async function site(lab: Lab): Promise<Site> {
  await lab.bridge("lan");
  const client = await lab.host("client", { eth0: { bridge: "lan", address: "192.0.2.50/24" } });
  const web = await lab.host("web", { eth0: { bridge: "lan", address: "192.0.2.8/24" } });
  writeFileSync(join(web.directory, "index.html"), "served here\n");
  web.spawn(["python3", "-m", "http.server", "80", "--bind", "0.0.0.0", "--directory", web.directory]);
  await waitFor(
    "the web server answers",
    async () => (await fetchFrom(client, "192.0.2.8")) === "served here\n",
  );
  return { client, server: new RealServer(web) };
}

async function fetchFrom(host: Host, address: string): Promise<string | null> {
  const curl = ["curl", "-s", "-m", "5", "--noproxy", "*", `http://${address}/index.html`];
  const { stdout, exitCode } = await host.run(curl);
  return exitCode === 0 ? stdout : null;
}

/** Asks the whole network for an address three times. */
async function isAnsweredOverArp(client: Host, address: string): Promise<boolean> {
  const arping = ["arping", "-c", "3", "-w", "3", "-f", "-I", "eth0", address];
  return (await client.run(arping)).exitCode === 0;
}

async function macOf(host: Host): Promise<string> {
  const links = JSON.parse(await host.ip(["-json", "link", "show", "eth0"])) as { address: string }[];
  return links[0]!.address;
}

describe("edge-ha rs start", () => {
  test("makes the machine take packets for the VIP without answering ARP for it", async () => {
    await using lab = await Lab.create();
    const { client, server } = await site(lab);
    await server.expect("start", [vip]);

    expect(await isAnsweredOverArp(client, vip)).toBe(false);
    expect(await isAnsweredOverArp(client, "192.0.2.8")).toBe(true);
    expect(await fetchFrom(client, vip)).toBeNull();
    expect(await fetchFrom(server.host, vip)).toBe("served here\n");

    // What a director in direct-routing mode does: the VIP as the destination, the server's MAC on the frame.
    const mac = await macOf(server.host);
    await client.ip(["neighbour", "replace", vip, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
    expect(await fetchFrom(client, vip)).toBe("served here\n");

    await server.expect("stop");
    expect(await fetchFrom(client, vip)).toBeNull();
  }, 60_000);

  test("keeps the VIP out of the machine's own ARP requests", async () => {
    await using lab = await Lab.create();
    const { client, server } = await site(lab);
    await server.expect("start", [vip]);
    // The answer to a client the server has not met yet starts with an ARP request from the VIP's packet.
    await client.ip(["address", "add", "192.0.2.51/24", "dev", "eth0"]);
    const capture = ["tcpdump", "-lnni", "eth0", "arp[6:2] == 1 and arp[24:4] == 0xc0000233"];
    const seen = client.spawn(capture);
    await waitFor("the capture runs", () => seen.output().includes("listening on"));
    const mac = await macOf(server.host);
    await client.ip(["neighbour", "replace", vip, "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
    const curl = ["curl", "-s", "-m", "5", "--interface", "192.0.2.51", `http://${vip}/index.html`];
    expect((await client.run(curl)).stdout).toBe("served here\n");
    await waitFor("the request was captured", () => seen.output().includes("who-has 192.0.2.51"));
    expect(seen.output()).toContain("who-has 192.0.2.51 tell 192.0.2.8");
    expect(seen.output()).not.toContain(`tell ${vip}`);
  }, 60_000);

  test("is what keeps the machine quiet: the VIP alone is answered over ARP", async () => {
    await using lab = await Lab.create();
    const { client, server } = await site(lab);
    await server.host.ip(["address", "add", `${vip}/32`, "dev", "lo"]);
    expect(await isAnsweredOverArp(client, vip)).toBe(true);
    await server.expect("start", [vip]);
    expect(await isAnsweredOverArp(client, vip)).toBe(false);
  }, 60_000);
});
