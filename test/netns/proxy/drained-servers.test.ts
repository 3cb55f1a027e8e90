import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { endLoad } from "../../support/load.ts";
import { AvailabilityLab, close, file, flowScript } from "./availability-lab.ts";

/** Servers behind the proxies that the operator takes out, and what becomes of what is open. */

setDefaultTimeout(60_000);

let lab: AvailabilityLab;

beforeAll(async () => {
  lab = await AvailabilityLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("a server of a relay that is drained", () => {
  test("gets nothing new, keeps what is open, over reload and restart, until it is enabled", async () => {
    const { toA, toB } = await lab.openBoth();
    const draining = lab.node.command("drain", "names/192.0.2.21");
    await waitFor(
      "it is being drained",
      async () => (await lab.serverOf("names", lab.a)).drain === "draining",
    );
    expect(await lab.answers(8)).toBe("b");
    expect((await lab.node.reload(`${file()}\n# the same\n`)).exitCode).toBe(0);
    expect(await lab.answers(8)).toBe("b");
    expect(await lab.serverOf("names", lab.a)).toMatchObject({
      isUp: true,
      drain: "draining",
      traffic: { open: 1 },
    });
    expect(toA.output()).toBe("a\n");

    await close(toA);
    const { exitCode, stdout } = await draining;
    expect([exitCode, stdout.trim().split("\n").at(-1)]).toEqual([0, "no connection is left"]);
    expect((await lab.node.command("status")).stdout).toMatch(/^ +192\.0\.2\.21:7000 +0 +drained/m);

    await close(toB);
    expect(await lab.node.stop()).toBe(0);
    await lab.startNode();
    expect(await lab.answers(8)).toBe("b");
    expect(await lab.serverOf("names", lab.a)).toMatchObject({ drain: "drained", weight: 0 });
    expect((await lab.node.command("enable", "names/192.0.2.21")).exitCode).toBe(0);
    await waitFor("it gets connections", async () => (await lab.answers(8)) === "ab");
  });

  test("loses what is still open at the deadline", async () => {
    const { toA, toB } = await lab.openBoth();
    const { exitCode } = await lab.node.command("drain", "names/192.0.2.21", "--within", "1s");
    expect(exitCode).toBe(0);
    await waitFor("its connection is cut", () => toA.output() === "a\nlost\n");
    expect(toB.output()).toBe("b\n");
    expect((await lab.node.command("enable", "names/192.0.2.21")).exitCode).toBe(0);
    await close(toB);
  });
});

describe("a server of a UDP relay that is drained", () => {
  test("gets no new flow, keeps those it has until they are idle, or loses them at the deadline", async () => {
    const { toA, toB } = await lab.openBoth(flowScript);
    const draining = lab.node.command("drain", "flows/192.0.2.21");
    await waitFor(
      "it is being drained",
      async () => (await lab.serverOf("flows", lab.a)).drain === "draining",
    );
    const more = [await lab.open(flowScript), await lab.open(flowScript), await lab.open(flowScript)];
    expect(more.map((flow) => flow.output())).toEqual(["b\n", "b\n", "b\n"]);
    await waitFor("one flow is left", async () => (await lab.serverOf("flows", lab.a)).traffic?.open === 1);
    expect(toA.output()).toBe("a\n");
    expect(await lab.serverOf("flows", lab.a)).toMatchObject({ drain: "draining" });
    await close(toA);
    const { exitCode, stdout } = await draining;
    expect([exitCode, stdout.trim().split("\n").at(-1)]).toEqual([0, "no connection is left"]);
    for (const flow of [toB, ...more]) await close(flow);

    expect((await lab.node.command("enable", "flows/192.0.2.21")).exitCode).toBe(0);
    const again = await lab.openBoth(flowScript);
    const late = await lab.node.command("drain", "flows/192.0.2.21", "--within", "1s");
    // Flows that were closed while both servers were looked for are open until they are idle.
    expect([late.exitCode, late.stdout]).toEqual([
      0,
      expect.stringMatching(/taken out with [1-9]\d* connections? still open/),
    ]);
    await waitFor("its flow goes on elsewhere", () => again.toA.output() === "a\nb\n");
    expect((await lab.node.command("enable", "flows/192.0.2.21")).exitCode).toBe(0);
    for (const flow of Object.values(again)) await close(flow);
  });
});

describe("a server of an upstream that is drained", () => {
  test("loses no request under load, finishes the ones it has, and keeps no idle connection", async () => {
    const load = lab.client.spawn([
      "nice",
      "wrk",
      "-t1",
      "-c16",
      "-d60s",
      "--timeout",
      "5s",
      "http://192.0.2.11/",
    ]);
    await waitFor("both work", async () => ((await lab.serverOf("web", lab.a)).traffic?.total ?? 0) > 100);
    const slow = lab.client.spawn([
      "sh",
      "-c",
      `for n in 1 2 3 4; do curl -sN -o /dev/null -w '%{http_code} %{exitcode}\\n' http://192.0.2.11/slow/4000 & done; wait`,
    ]);
    await waitFor(
      "slow requests run",
      async () => ((await lab.serverOf("slow", lab.a)).traffic?.open ?? 0) > 0,
    );
    expect((await lab.node.command("drain", "web/192.0.2.21", "slow/192.0.2.21")).exitCode).toBe(0);
    const before = await lab.serverOf("web", lab.a);
    expect(before).toMatchObject({ drain: "drained", weight: 0, traffic: { open: 0, idle: 0 } });
    const idle = await lab.a.run(["ss", "-Htn", "state", "established", "sport", "=", ":80"]);
    expect(idle.stdout).toBe("");
    expect((await lab.client.run(["curl", "-s", "http://192.0.2.11/x"])).stdout).toBe("b answers /x\n");
    expect((await lab.serverOf("web", lab.a)).traffic?.total).toBe(before.traffic?.total ?? -1);
    expect((await lab.node.command("enable", "web/192.0.2.21", "slow/192.0.2.21")).exitCode).toBe(0);
    await waitFor("it gets requests again", async () => {
      return ((await lab.serverOf("web", lab.a)).traffic?.total ?? 0) > (before.traffic?.total ?? 0) + 50;
    });
    const { errors, badStatuses, text } = await endLoad(load);
    expect([errors, badStatuses], text).toEqual([0, 0]);
    await slow.exited;
    expect(slow.output()).toBe("200 0\n".repeat(4));
  });
});
