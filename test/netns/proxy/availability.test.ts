import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { proxyProtocolPort } from "../../support/nginx.ts";
import { AvailabilityLab, close, file, namePort, rudePort } from "./availability-lab.ts";

/** What keeps servers behind the proxies available: what becomes of open connections, quorum, who the client is. */

setDefaultTimeout(60_000);

let lab: AvailabilityLab;

beforeAll(async () => {
  lab = await AvailabilityLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("a server of a relay that fails its check", () => {
  test("loses its open connections, or keeps them where it is inhibited", async () => {
    for (const [inhibit, end] of [
      ["false", "a\nlost\n"],
      ["true", "a\n"],
    ] as const) {
      expect((await lab.node.reload(file({ relay: `inhibit = ${inhibit}` }))).exitCode).toBe(0);
      const { toA, toB } = await lab.openBoth();
      await lab.stopHealth(lab.a);
      await waitFor("it is down", async () => !(await lab.serverOf("names", lab.a)).isUp);
      expect(await lab.answers(6)).toBe("b");
      if (inhibit === "false") await waitFor("its connection is cut", () => toA.output() === end);
      expect([toA.output(), toB.output()]).toEqual([end, "b\n"]);
      await lab.startHealth(lab.a);
      await waitFor("it is up", async () => (await lab.serverOf("names", lab.a)).isUp);
      await close(toA);
      await close(toB);
    }
  });

  test("is checked at once when it resets what it has taken", async () => {
    const relay = file()
      .replaceAll(`port = ${namePort}`, `port = ${rudePort}`)
      .replace(', interval = "100ms"', ', interval = "60s"');
    expect((await lab.node.reload(relay)).exitCode).toBe(0);
    await waitFor("both were checked", async () => {
      const { probes } = await lab.node.status();
      return probes.length > 0 && probes.every(({ lastResult }) => lastResult.startsWith("connected"));
    });
    await lab.stopHealth(lab.a);
    await waitFor("it is down, a minute before its check is due", async () => {
      await lab.answers(1);
      return !(await lab.serverOf("names", lab.a)).isUp;
    });
    expect((await lab.serverOf("names", lab.a)).traffic?.failed).toBeGreaterThan(0);
    await lab.startHealth(lab.a);
  });

  test("costs the service its quorum: a program is told, and the sorry server takes over", async () => {
    const program = `["/bin/sh", "-c", "echo $EDGE_HA_SERVICE $EDGE_HA_ADDRESS $EDGE_HA_QUORUM $EDGE_HA_WEIGHT >>${lab.lb1.directory}/quorum"]`;
    await Bun.write(`${lab.lb1.directory}/quorum`, "");
    await lab.lb1.run(["chmod", "666", `${lab.lb1.directory}/quorum`]);
    const relay = `quorum = 2\nsorry = "192.0.2.22:80"\nquorum_down = ${program}\nquorum_up = ${program}`;
    expect((await lab.node.reload(file({ relay }))).exitCode).toBe(0);
    const told = async (): Promise<string> => Bun.file(`${lab.lb1.directory}/quorum`).text();
    const { toA, toB } = await lab.openBoth();
    await lab.stopHealth(lab.a);
    await waitFor("the quorum is lost", async () =>
      (await told()).endsWith("names tcp 192.0.2.11:90 down 1\n"),
    );
    expect(await lab.group("names")).toMatchObject({ hasQuorum: false, usesSorry: true });
    const { stdout } = await lab.client.run(["curl", "-s", "http://192.0.2.11:90/sorry"]);
    expect(stdout).toBe("b answers /sorry\n");
    expect(toB.output()).toBe("b\n");
    await lab.startHealth(lab.a);
    await waitFor("it is there again", async () => (await told()).endsWith("up 2\n"));
    await close(toA);
    await close(toB);
  });
});

describe("a relay with a quorum of weights and alpha", () => {
  test("has no server before its first check, and loses and gains its quorum apart by the hysteresis", async () => {
    const relay = 'alpha = true\nquorum = 3\nhysteresis = 1\nsorry = "192.0.2.22:80"';
    const wanted = file({ relay, server: ", weight = 2" });
    // Nobody is there to answer the check, which takes seconds to find out.
    const unanswered = wanted.replace(', interval = "100ms"', ', connect_address = "192.0.2.99"');
    expect((await lab.node.reload(unanswered)).exitCode).toBe(0);
    expect(await lab.group("names")).toMatchObject({ hasQuorum: false, usesSorry: true });
    const { stdout } = await lab.client.run(["curl", "-s", "http://192.0.2.11:90/alpha"]);
    expect(stdout).toBe("b answers /alpha\n");
    expect((await lab.node.reload(wanted)).exitCode).toBe(0);
    const becomes = (hasQuorum: boolean, up: number): Promise<void> =>
      waitFor(`${up} are up, and the quorum is ${hasQuorum}`, async () => {
        const now = await lab.group("names");
        return now.hasQuorum === hasQuorum && now.servers.filter(({ isUp }) => isUp).length === up;
      });
    await becomes(true, 2);
    await lab.stopHealth(lab.a);
    await becomes(true, 1);
    expect(await lab.answers(4)).toBe("b");
    await lab.stopHealth(lab.b);
    await becomes(false, 0);
    await lab.startHealth(lab.b);
    await becomes(false, 1);
    expect((await lab.client.run(["curl", "-s", "http://192.0.2.11:90/"])).stdout).toBe("b answers /\n");
    await lab.startHealth(lab.a);
    await becomes(true, 2);
    expect(await lab.answers(8)).toBe("ab");
  });

  test("leaves a sorry server alone that is one of its servers and was taken out", async () => {
    const relay = `sorry = "192.0.2.21:${namePort}"`;
    expect((await lab.node.reload(file({ relay }))).exitCode).toBe(0);
    await lab.stopHealth(lab.a);
    await lab.stopHealth(lab.b);
    await waitFor("the sorry server has it", async () => (await lab.group("names")).usesSorry);
    expect(await lab.answers(2)).toBe("a");
    expect((await lab.node.command("drain", "names/192.0.2.21")).exitCode).toBe(0);
    expect(await lab.group("names")).toMatchObject({ hasQuorum: false, usesSorry: false });
    await waitFor("nobody answers", async () => (await lab.answers(1)) === "");
    expect((await lab.node.command("enable", "names/192.0.2.21")).exitCode).toBe(0);
    await waitFor("it answers again", async () => (await lab.answers(1)) === "a");
    await lab.startHealth(lab.a);
    await lab.startHealth(lab.b);
  });
});

test("a service whose servers are all dead withdraws its address, and takes it back with the first of them", async () => {
  const vip = `[[vip]]\nname = "public"\naddress = "192.0.2.100/24"\ninterface = "eth0"\nvrid = 51\nprefer = ["lb1", "lb2"]\n`;
  const tables = `${vip}[[track]]\nservice = "names"\n`;
  expect((await lab.node.reload(file({ tables }))).exitCode).toBe(0);
  await waitFor("the address is here", () => lab.lb1.holds("192.0.2.100"));
  await lab.stopHealth(lab.a);
  await waitFor("one is down", async () => !(await lab.serverOf("names", lab.a)).isUp);
  expect(await lab.lb1.holds("192.0.2.100")).toBe(true);
  await lab.stopHealth(lab.b);
  await waitFor("the address is gone", async () => !(await lab.lb1.holds("192.0.2.100")));
  await lab.startHealth(lab.b);
  await waitFor("the address is here again", () => lab.lb1.holds("192.0.2.100"));
  await lab.startHealth(lab.a);
});

test("a server of a relay that fails too often is kept out, and a stop tells of the quorum's end", async () => {
  const told = `${lab.lb1.directory}/end`;
  await Bun.write(told, "");
  await lab.lb1.run(["chmod", "666", told]);
  const program = `["/bin/sh", "-c", "echo $EDGE_HA_SERVICE $EDGE_HA_QUORUM >>${told}"]`;
  const damping = 'damping = { changes = 2, within = "1m", hold = "1h" }';
  const relay = `${damping}\nomega = true\nquorum_down = ${program}`;
  expect((await lab.node.reload(file({ relay }))).exitCode).toBe(0);
  for (let time = 0; time < 2; time++) {
    await waitFor("it is up", async () => (await lab.serverOf("names", lab.a)).isUp);
    await lab.stopHealth(lab.a);
    await waitFor("it is down", async () => !(await lab.serverOf("names", lab.a)).isUp);
    await lab.startHealth(lab.a);
  }
  await waitFor("it is kept out though it is well", async () => {
    const { probes } = await lab.node.status();
    return probes.every(({ isUp }) => isUp) && (await lab.serverOf("names", lab.a)).isHeld;
  });
  expect(await lab.serverOf("names", lab.a)).toMatchObject({ isUp: false });
  const undamped = relay.replace(damping, "");
  expect((await lab.node.reload(file({ relay: undamped }))).exitCode).toBe(0);
  expect(await lab.serverOf("names", lab.a)).toMatchObject({ isHeld: false, isUp: true });
  expect(await lab.node.stop()).toBe(0);
  expect(await Bun.file(told).text()).toBe("names down\n");
  await lab.startNode();
});

describe("a server that wants the PROXY protocol", () => {
  test("is told who the client is, in text and in bytes", async () => {
    for (const version of ["v1", "v2"]) {
      const relay = file({ relay: `proxy_protocol = "${version}"` });
      const told = relay.replaceAll(`port = ${namePort}`, `port = ${proxyProtocolPort}`);
      expect((await lab.node.reload(told)).exitCode).toBe(0);
      const { stdout } = await lab.client.run(["curl", "-s", "http://192.0.2.11:90/"]);
      expect(stdout).toBe("192.0.2.31 192.0.2.11 90\n");
    }
  });
});
