import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { SavedState } from "../../../src/real-server/state.ts";
import { Lab } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "192.0.2.100";
const other = "192.0.2.101";
const ignoreAll = "net.ipv4.conf.all.arp_ignore";

function readState(server: RealServer): SavedState {
  return JSON.parse(readFileSync(server.statePath, "utf8")) as SavedState;
}

describe("edge-ha rs", () => {
  test("puts the VIPs on lo with their routes and the ARP settings", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    expect(await server.expect("start", [vip, other])).toContain(`started: ${vip}, ${other}`);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${vip}/32 lo:0`, `${other}/32 lo:1`]);
    const routes = await server.host.ip(["route", "show", "table", "main", "dev", "lo"]);
    expect(routes).toContain(`${vip} proto 70 scope link`);
    expect(routes).toContain(`${other} proto 70 scope link`);
    expect(await server.sysctls()).toMatchObject({
      [ignoreAll]: "1",
      "net.ipv4.conf.all.arp_announce": "2",
      "net.ipv4.conf.lo.arp_ignore": "1",
      "net.ipv4.conf.lo.arp_announce": "2",
      "net.ipv4.conf.eth0.arp_ignore": "0",
    });
  });

  test("leaves no trace when stopped", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    await server.expect("start", [vip, other]);
    expect(await server.snapshot()).not.toEqual(before);
    expect(await server.expect("stop")).toContain("stopped");
    expect(await server.snapshot()).toEqual(before);
    expect(existsSync(server.statePath)).toBe(false);
  });

  test("changes nothing when started twice, and stop still restores the first state", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    await server.expect("start", [vip]);
    const started = await server.snapshot();
    const state = readFileSync(server.statePath, "utf8");
    expect(await server.expect("start", [vip])).toContain("nothing to change");
    expect(await server.snapshot()).toEqual(started);
    expect(readFileSync(server.statePath, "utf8")).toBe(state);
    await server.expect("stop");
    expect(await server.snapshot()).toEqual(before);
  });

  test("adds a VIP that comes later, removes one that is no longer named", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    await server.expect("start", [vip]);
    await server.expect("start", [vip, other]);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${vip}/32 lo:0`, `${other}/32 lo:1`]);
    await server.expect("start", [other]);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${other}/32 lo:1`]);
    await server.expect("start", [other, vip]);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${other}/32 lo:1`, `${vip}/32 lo:0`]);
    await server.expect("stop", [vip]);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${other}/32 lo:1`]);
    await server.expect("stop");
    expect(await server.snapshot()).toEqual(before);
  });

  test("restores settings that were not 0, and an address and a route that were there", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.setSysctl(ignoreAll, "2");
    await server.setSysctl("net.ipv4.conf.lo.arp_announce", "1");
    await server.host.ip(["address", "add", `${vip}/32`, "dev", "lo"]);
    await server.host.ip(["route", "add", `${other}/32`, "dev", "lo", "proto", "static"]);
    const before = await server.snapshot();
    expect(await server.expect("start", [vip, other])).toContain(`note: ${vip}/32 was on lo already`);
    expect(await server.sysctls()).toMatchObject({ [ignoreAll]: "1" });
    await server.expect("stop");
    expect(await server.snapshot()).toEqual(before);
  });

  test("leaves a setting that someone else changed since, and says so", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.expect("start", [vip]);
    await server.setSysctl(ignoreAll, "8");
    expect(await server.expect("stop")).toContain(`note: ${ignoreAll} is 8`);
    expect(await server.sysctls()).toMatchObject({
      [ignoreAll]: "8",
      "net.ipv4.conf.all.arp_announce": "0",
    });
  });

  test("has nothing to do when stopped without a start", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    expect(await server.expect("stop")).toContain("nothing to do");
  });

  test("restores everything after a start that died at any step", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    await server.expect("start", [vip]);
    const journal = readFileSync(server.statePath, "utf8");
    await server.expect("stop");
    // What the kernel has after the first 1, 2 … steps of the start, with the state file that was written before.
    const steps = [
      ["sysctl", "-qw", `${ignoreAll}=1`],
      ["sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2"],
      ["ip", "address", "add", `${vip}/32`, "dev", "lo", "label", "lo:0"],
      ["ip", "route", "add", `${vip}/32`, "dev", "lo", "proto", "70"],
    ];
    for (let taken = 0; taken <= steps.length; taken += 1) {
      writeFileSync(server.statePath, journal);
      for (const step of steps.slice(0, taken)) {
        expect((await server.host.run(step)).exitCode).toBe(0);
      }
      if (taken % 2 === 1) await server.expect("start", [vip]);
      await server.expect("stop");
      expect(await server.snapshot()).toEqual(before);
    }
  });

  test("after a reboot takes nothing of the old state file for granted", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.expect("start", [vip]);
    const old = { ...readState(server), bootId: "00000000-0000-0000-0000-000000000000" };
    await server.expect("stop");
    // The machine comes back with another setting, made by its own boot scripts.
    await server.setSysctl(ignoreAll, "1");
    await server.setSysctl("net.ipv4.conf.lo.arp_ignore", "2");
    const before = await server.snapshot();

    writeFileSync(server.statePath, JSON.stringify(old));
    expect(await server.expect("stop")).toContain("rebooted");
    expect(await server.snapshot()).toEqual(before);
    expect(existsSync(server.statePath)).toBe(false);

    writeFileSync(server.statePath, JSON.stringify(old));
    await server.expect("start", [vip]);
    expect(readState(server).bootId).not.toBe(old.bootId);
    await server.expect("stop");
    expect(await server.snapshot()).toEqual(before);
  });

  test("finds its own by the tag when the state file is lost", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.expect("start", [vip]);
    await server.host.run(["rm", server.statePath]);
    expect(await server.expect("start", [vip])).toContain("not known");
    await server.host.run(["rm", server.statePath]);
    await server.expect("stop");
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo"]);
  });
});
