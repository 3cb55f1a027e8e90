import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Lab, waitFor, type Child, type Host } from "../../support/lab.ts";
import { buildAddon } from "../../support/native-addon.ts";

/** src/kernel against the kernel itself, in namespaces; `ip`, `ss` and tcpdump are the independent readers. */

const agent = join(import.meta.dir, "agent.ts");
let lab: Lab;
let left: Host;
let right: Host;

beforeAll(async () => {
  buildAddon();
  lab = await Lab.create();
  await lab.bridge("lan");
  left = await lab.host("left", { eth1: { bridge: "lan", address: "192.0.2.1/24" } });
  right = await lab.host("right", { eth1: { bridge: "lan", address: "192.0.2.2/24" } });
}, 30_000);

afterAll(async () => lab[Symbol.asyncDispose]());

const run = async (host: Host, ...parameters: readonly string[]): Promise<unknown[]> => {
  const { stdout, stderr, exitCode } = await host.run([process.execPath, agent, ...parameters]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
};
const start = async (host: Host, ready: string, ...parameters: readonly string[]): Promise<Child> => {
  const child = host.spawn([process.execPath, agent, ...parameters]);
  await waitFor(`${parameters[0]} is ready: ${ready}`, () => child.output().includes(ready));
  return child;
};
const stop = async (child: Child): Promise<void> => {
  child.kill("SIGKILL");
  await child.exited;
};

interface ShownAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly label?: string;
  readonly scope: string;
}
const shownAddresses = async (host: Host, ifname: string): Promise<readonly ShownAddress[]> => {
  const shown = JSON.parse(await host.ip(["-j", "address", "show", "dev", ifname])) as {
    addr_info: ShownAddress[];
  }[];
  return shown.flatMap((link) => link.addr_info);
};

describe("addresses", () => {
  test("an address is added with label and tag, found again, and removed", async () => {
    expect(await run(left, "addAddress", "eth1", "192.0.2.100/32", "eth1:vip")).toEqual(["added"]);
    expect(await run(left, "addAddress", "eth1", "192.0.2.100/32", "eth1:vip")).toEqual(["exists"]);
    expect(await shownAddresses(left, "eth1")).toContainEqual(
      expect.objectContaining({ local: "192.0.2.100", prefixlen: 32, label: "eth1:vip", scope: "global" }),
    );
    const [addresses] = await run(left, "addresses");
    expect(addresses).toContainEqual(
      expect.objectContaining({
        address: "192.0.2.100",
        prefixLength: 32,
        label: "eth1:vip",
        protocol: 0x45,
      }),
    );
    expect(await run(left, "removeAddress", "eth1", "192.0.2.100/32")).toEqual(["removed"]);
    expect(await run(left, "removeAddress", "eth1", "192.0.2.100/32")).toEqual(["absent"]);
    expect((await shownAddresses(left, "eth1")).map((address) => address.local)).not.toContain("192.0.2.100");
  });

  test("an IPv6 address is usable at once", async () => {
    expect(await run(left, "addAddress", "lo", "2001:db8::100/128")).toEqual(["added"]);
    const shown = (await shownAddresses(left, "lo")).find((address) => address.local === "2001:db8::100");
    expect(shown).toMatchObject({ prefixlen: 128 });
    expect(shown).not.toHaveProperty("tentative");
    expect(await run(left, "removeAddress", "lo", "2001:db8::100/128")).toEqual(["removed"]);
  });

  test("links() tells what `ip link` tells", async () => {
    const [links] = await run(left, "links");
    const shown = JSON.parse(await left.ip(["-j", "link"])) as {
      ifindex: number;
      ifname: string;
      address: string;
      mtu: number;
    }[];
    expect(links).toEqual(
      shown.map(({ ifindex, ifname, address, mtu }) => ({
        index: ifindex,
        name: ifname,
        mac: address.replaceAll(":", ""),
        mtu,
        isUp: true,
        hasCarrier: true,
      })),
    );
  });
});

test("a host route is added once, listed by table, and removed", async () => {
  const route = {
    destination: { address: "192.0.2.100", length: 32 },
    linkIndex: 1,
    table: 254,
    scope: 253,
    protocol: 0x46,
    type: 1,
    gateway: null,
    source: null,
    metric: 0,
    isOnLink: false,
  };
  expect(await run(left, "hostRoute", "lo", "192.0.2.100", "keep")).toEqual(["added", "exists", [route], []]);
  const shown = JSON.parse(await left.ip(["-j", "route", "show", "dev", "lo"])) as unknown[];
  expect(shown).toEqual([expect.objectContaining({ dst: "192.0.2.100", scope: "link", protocol: "70" })]);
  await left.ip(["route", "delete", "192.0.2.100", "dev", "lo"]);
  expect(await run(left, "hostRoute", "lo", "192.0.2.100")).toEqual([
    "added",
    "exists",
    [route],
    [],
    "removed",
    "absent",
  ]);
});

test("subscribe() tells of a lost carrier, of its return, and of addresses", async () => {
  const watcher = await start(left, "watching", "watch");
  const saw = (kind: string, ...fields: readonly string[]) =>
    waitFor(`${kind} ${fields.join(" ")}`, () =>
      watcher
        .output()
        .split("\n")
        .some((line) => line.includes(`"kind":"${kind}"`) && fields.every((field) => line.includes(field))),
    );
  await left.cutLink("eth1");
  await saw("link", '"name":"eth1"', '"isUp":true', '"hasCarrier":false');
  await left.restoreLink("eth1");
  await saw("link", '"name":"eth1"', '"isUp":true', '"hasCarrier":true');
  await left.ip(["address", "add", "192.0.2.77/32", "dev", "eth1"]);
  await saw("address", '"address":"192.0.2.77"', '"isGone":false');
  await left.ip(["address", "delete", "192.0.2.77/32", "dev", "eth1"]);
  await saw("address", '"address":"192.0.2.77"', '"isGone":true');
  await stop(watcher);
});

test("subscribe() says so when changes were lost, and goes on", async () => {
  const watcher = await start(left, "overrun", "overrun", "eth1");
  await left.ip(["address", "add", "192.0.2.77/32", "dev", "eth1"]);
  await waitFor("a change after it", () => watcher.output().includes("192.0.2.77"));
  await left.ip(["address", "delete", "192.0.2.77/32", "dev", "eth1"]);
  await stop(watcher);
}, 30_000);

test("gratuitous ARP reaches the link as tcpdump reads it", async () => {
  const capture = right.spawn([
    "tcpdump",
    "-l",
    "-n",
    "-e",
    "-i",
    "eth1",
    "-c",
    "3",
    "arp and ether broadcast",
  ]);
  await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
  await run(left, "announce", "eth1", "192.0.2.100");
  await capture.exited;
  const frames = capture
    .output()
    .split("\n")
    .filter((line) => line.includes("ARP"));
  expect(frames.length).toBe(3);
  for (const frame of frames)
    expect(frame).toMatch(/> ff:ff:ff:ff:ff:ff.*who-has 192\.0\.2\.100 .*tell 192\.0\.2\.100/);
  const [links] = (await run(left, "links")) as [{ name: string; mac: string }[]];
  const mac = links
    .find((link) => link.name === "eth1")
    ?.mac.match(/../g)
    ?.join(":");
  expect(frames[0]).toContain(`${mac} > ff:ff:ff:ff:ff:ff`);
});

test("an unsolicited neighbour advertisement is what tcpdump says it is, and what a neighbour believes", async () => {
  await left.ip(["address", "add", "2001:db8::1/64", "dev", "eth1", "nodad"]);
  await right.ip(["address", "add", "2001:db8::2/64", "dev", "eth1", "nodad"]);
  const learned = ["2001:db8::100", "lladdr", "02:00:00:00:00:99", "nud", "reachable", "dev", "eth1"];
  await right.ip(["neighbour", "replace", ...learned]);
  const capture = right.spawn([
    "tcpdump",
    "-l",
    "-n",
    "-e",
    "-vv",
    "-i",
    "eth1",
    "-c",
    "3",
    "icmp6[0] == 136",
  ]);
  await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
  await run(left, "announce", "eth1", "2001:db8::100");
  await capture.exited;
  const [links] = (await run(left, "links")) as [{ name: string; mac: string }[]];
  const mac = (links.find((link) => link.name === "eth1")?.mac.match(/../g) ?? []).join(":");
  const shown = capture.output();
  expect(shown).toContain(`${mac} > 33:33:00:00:00:01`);
  expect(shown).toMatch(/class 0xc0, hlim 255, .* 2001:db8::100 > ff02::1: \[icmp6 sum ok\]/);
  expect(shown).toContain("tgt is 2001:db8::100, Flags [router, override]");
  expect(shown).toContain(`destination link-address option (2), length 8 (1): ${mac}`);
  await waitFor("the neighbour has the new hardware address", async () => {
    return (await right.ip(["neighbour", "show", "2001:db8::100", "dev", "eth1"])).includes(mac);
  });
});

describe("raw multicast", () => {
  test("a payload arrives with source, TTL 255 and length, and never at its sender", async () => {
    const capture = right.spawn(["tcpdump", "-l", "-n", "-v", "-i", "eth1", "-c", "2", "proto 112"]);
    await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
    const listener = await start(right, "listening", "listenMulticast", "eth1", "192.0.2.2");
    expect(await run(left, "sendMulticast", "eth1", "192.0.2.1", "0102", "2133c802000191fe")).toEqual([
      "sent",
    ]);
    await waitFor("both packets", () => listener.output().trim().split("\n").length === 3);
    const packets = listener.output().trim().split("\n").slice(1);
    const common = { source: "192.0.2.1", destination: "224.0.0.18", ttl: 255 };
    expect(packets.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...common, payload: "0102", totalLength: 22 },
      { ...common, payload: "2133c802000191fe", totalLength: 28 },
    ]);
    await capture.exited;
    expect(capture.output()).toContain("tos 0xc0, ttl 255");
    await stop(listener);
  });

  test("over IPv6 a payload arrives with source, hop limit 255 and length, and never at its sender", async () => {
    await left.ip(["address", "add", "fe80::1/64", "dev", "eth1", "nodad"]);
    await right.ip(["address", "add", "fe80::2/64", "dev", "eth1", "nodad"]);
    const capture = right.spawn(["tcpdump", "-l", "-n", "-v", "-i", "eth1", "-c", "2", "ip6 proto 112"]);
    await waitFor("tcpdump listens", () => capture.output().includes("listening on"));
    const listener = await start(right, "listening", "listenMulticast", "eth1", "fe80::2");
    const maddr = await right.ip(["maddress", "show", "dev", "eth1"]);
    expect(maddr).toContain("inet6 ff02::12");
    expect(await run(left, "sendMulticast", "eth1", "fe80::1", "0102", "3133c801")).toEqual(["sent"]);
    await waitFor("both packets", () => listener.output().trim().split("\n").length === 3);
    const packets = listener.output().trim().split("\n").slice(1);
    const common = { source: "fe80::1", destination: "ff02::12", ttl: 255 };
    expect(packets.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...common, payload: "0102", totalLength: 42 },
      { ...common, payload: "3133c801", totalLength: 44 },
    ]);
    await capture.exited;
    expect(capture.output()).toContain("class 0xc0");
    expect(capture.output()).toContain("hlim 255");
    await stop(listener);
  });

  test("the source is the one asked for when the interface has several", async () => {
    await left.ip(["address", "add", "192.0.2.50/24", "dev", "eth1"]);
    const listener = await start(right, "listening", "listenMulticast", "eth1", "192.0.2.2");
    await run(left, "sendMulticast", "eth1", "192.0.2.50", "0102");
    await waitFor("the packet", () => listener.output().includes('"source":"192.0.2.50"'));
    await left.ip(["address", "delete", "192.0.2.50/24", "dev", "eth1"]);
    await stop(listener);
  });

  test("another group and another protocol are not heard", async () => {
    const listener = await start(right, "listening", "listenMulticast", "eth1", "192.0.2.2");
    await left.run(["ping", "-c", "1", "-W", "1", "-I", "eth1", "224.0.0.18"]);
    await run(left, "sendMulticast", "eth1", "192.0.2.1", "aa");
    await waitFor("the packet", () => listener.output().includes('"payload":"aa"'));
    expect(listener.output().trim().split("\n").length).toBe(2);
    await stop(listener);
  });

  test("a flood does not keep timers from running", async () => {
    const flood = await start(left, "flooding", "flood", "eth1", "192.0.2.1");
    const victim = await start(right, "sawTicks", "tickUnderFlood", "eth1", "192.0.2.2");
    await stop(victim);
    await stop(flood);
  }, 30_000);
});

describe("listenTcp()", () => {
  test.each([
    ["192.0.2.100", "192.0.2.100:8080"],
    ["2001:db8::100", "[2001:db8::100]:8080"],
  ])("two sockets share %s, which the host does not carry", async (address, shown) => {
    const listener = await start(left, "2\n", "listen", address, "8080");
    const { stdout } = await left.run(["ss", "-H", "-l", "-t", "-n", "-p"]);
    const lines = stdout.split("\n").filter((line) => line.includes(shown));
    expect(lines.length).toBe(2);
    for (const line of lines) expect(line).toContain(`pid=${listener.pid},`);
    await stop(listener);
  });
});

test("writeSysctl() changes this namespace only", async () => {
  expect(await run(left, "sysctl", "net/ipv4/conf/all/arp_ignore", "1")).toEqual(["1"]);
  const command = ["cat", "/proc/sys/net/ipv4/conf/all/arp_ignore"];
  expect((await left.run(command)).stdout).toBe("1\n");
  expect((await right.run(command)).stdout).toBe("0\n");
});

test("setRealtime() covers the watch thread, limits its time, and spares children", async () => {
  const [report] = (await run(left, "realtime")) as [{ child: string; limits: string; threads: string }];
  expect(report.child).toContain("SCHED_OTHER");
  expect(report.limits).toContain("3000000 4000000");
  const threads = report.threads
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  // The first is the main thread.
  expect(threads[0]?.slice(0, 2)).toEqual(["RR", "40"]);
  expect(threads.find(([, , name]) => name === "edge-ha-watch")?.slice(0, 2)).toEqual(["RR", "40"]);
  // The engine's threads come after the main one if there is room beside it; what was started since then (to wait for a
  // child) is normal.
  const others = new Set(threads.slice(1).map(([policy, priority]) => `${policy} ${priority}`));
  expect([...others].filter((other) => other !== "TS -").sort()).toEqual(
    availableParallelism() === 1 ? ["RR 40"] : ["RR 39", "RR 40"],
  );
});

test("a realtime process with one processor waits for no thread that it keeps from running", async () => {
  const allowed = /(\d+)\s*$/.exec((await left.run(["taskset", "-cp", String(process.pid)])).stdout);
  const processor = allowed?.[1] ?? "0";
  const command = ["taskset", "-c", processor, process.execPath, agent, "busyRealtime"];
  expect(await left.run(command)).toEqual({ stdout: "400\n", stderr: "", exitCode: 0 });
}, 60_000);

test("a realtime process in an endless loop is ended by the kernel", async () => {
  const child = await start(left, "looping", "runaway");
  expect(await child.exited).not.toBe(0);
}, 30_000);
