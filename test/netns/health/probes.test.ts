import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { noDirectorPlan } from "../../../src/config/node-plan.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Check, HttpCheck, ProbePlan, ProbeTiming } from "../../../src/config/check-plan.ts";
import { type DirectorProcess, startDirector } from "../../support/director-process.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe, usualHttp, usualTiming } from "../../support/probe-plans.ts";
import { badServers, controlPort, deadPort } from "./bad-servers.ts";

/** Checks of real servers, most of them ill, by a real director process. */

setDefaultTimeout(120_000);
const web = "10.77.0.21";
let lab: Lab;
let director: Host;
let servers: Host;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  director = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/24" } });
  servers = await lab.host("servers", { eth0: { bridge: "lan", address: `${web}/24` } });
  servers.spawn([process.execPath, join(import.meta.dir, "bad-servers.ts")]);
  await waitFor("the servers listen", async () => {
    return (await servers.run(["curl", "-sf", `http://${web}:${controlPort}/`])).exitCode === 0;
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

const timing = { intervalMs: 100, timeoutMs: 400, retries: 0, retryDelayMs: 50, rise: 2, fall: 2 };

function http(name: string, port: number, change: Partial<HttpCheck & ProbeTiming> = {}): ProbePlan {
  return { ...usualTiming, ...usualHttp, id: name, target: { address: web, port }, ...timing, ...change };
}

function tcp(name: string, port: number, change: Partial<ProbeTiming> = {}): ProbePlan {
  return plannedProbe(name, { kind: "tcp" }, { target: { address: web, port }, ...timing, ...change });
}

async function counts(): Promise<Record<string, number>> {
  return JSON.parse((await servers.run(["curl", "-sf", `http://${web}:${controlPort}/`])).stdout) as Record<
    string,
    number
  >;
}

/** Runs a director with these probes until each has a result, then hands it to `look`. */
async function withProbes(
  probes: readonly ProbePlan[],
  look: (checker: DirectorProcess) => Promise<void> | void,
): Promise<void> {
  await using checker = await startDirector(director);
  expect(
    await checker.configure({
      ...noDirectorPlan,
      probes,
    }),
  ).toBeNull();
  await waitFor("every probe has a result", () => {
    return probes.every(
      ({ id }) => (checker.probe(id)?.lastResult ?? "not checked yet") !== "not checked yet",
    );
  });
  await look(checker);
  expect(await checker.stop()).toBe(0);
}

function told(checker: DirectorProcess): string {
  return checker
    .verdicts()
    .map(({ isUp }) => (isUp ? "up" : "down"))
    .join(" ");
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

/** For a server that does answer: however busy the machine is. */
const patient = { timeoutMs: 20_000 };

test("every illness is seen for what it is", async () => {
  const mute = new Set(["hanging", "dribbling"]);
  const all = Object.entries(badServers).map(([name, port]) =>
    http(name, port, mute.has(name) ? {} : patient),
  );
  const nobody = http("nobody", 80, { target: { address: "10.77.0.200", port: 80 } });
  const dead = [http("dead", deadPort, patient), tcp("dead tcp", deadPort, patient)];
  await withProbes([...all, ...dead, nobody], (checker) => {
    const seen = (name: string): string => {
      const probe = checker.probe(name);
      return `${probe?.isUp === true ? "up" : "down"}: ${probe?.lastResult}`;
    };
    expect(seen("well")).toMatch(/^up: status 200 in /);
    expect(seen("whispering")).toMatch(/^up: status 200 in /);
    expect(seen("flooding")).toMatch(/^up: status 200 in /);
    expect(seen("hanging")).toBe("down: no answer within 400 ms");
    expect(seen("dribbling")).toBe("down: no answer within 400 ms");
    expect(seen("nobody")).toBe("down: no answer within 400 ms");
    expect(seen("redirecting")).toBe("down: status 302, want 200–299");
    expect(seen("missing")).toBe("down: status 404, want 200–299");
    expect(seen("talkative")).toBe("down: answer head too large");
    expect(seen("garbled")).toMatch(/^down: answer is no valid HTTP/);
    expect(seen("shouting")).toMatch(/^down: answer is no valid HTTP/);
    expect(seen("resetting")).toMatch(/^down: connection /);
    expect(seen("lying")).toMatch(/^down: connection /);
    expect(seen("dead")).toBe("down: connection refused");
    expect(seen("dead tcp")).toBe("down: connection refused");
  });
});

test("a TCP check is content with whoever accepts, whatever he says", async () => {
  const names = ["well", "hanging", "shouting", "resetting"] as const;
  await withProbes(
    names.map((name) => tcp(name, badServers[name], patient)),
    async (checker) => {
      expect(names.map((name) => checker.probe(name)?.isUp)).toEqual([true, true, true, true]);
    },
  );
});

test("over TLS every illness is an answer too", async () => {
  const tls = { serverName: "a.example", ca: null, verifies: true };
  const names = ["hanging", "shouting", "garbled", "resetting", "flooding"] as const;
  await withProbes(
    names.map((name) => http(name, badServers[name], { tls, ...(name === "hanging" ? {} : patient) })),
    (checker) => {
      const seen = names.map((name) => checker.probe(name)?.lastResult ?? "");
      expect(seen[0]).toBe("no answer within 400 ms");
      expect(seen[1]).toStartWith("no TLS (");
      expect(seen[2]).toStartWith("no TLS (");
      expect(seen[3]).toBe("connection reset");
      expect(seen[4]).toStartWith("no TLS (");
      expect(names.map((name) => checker.probe(name)?.isUp)).not.toContain(true);
    },
  );
});

test("redirects are not followed", async () => {
  const before = await counts();
  await withProbes([http("redirecting", badServers.redirecting)], async () => {
    await waitFor("it was asked five times", async () => {
      return ((await counts())["redirecting"] ?? 0) >= (before["redirecting"] ?? 0) + 5;
    });
  });
  expect((await counts())["well"]).toBe(before["well"]);
});

test("a hundred probes that hang do not keep another one from its turn", async () => {
  const stuck = Array.from({ length: 100 }, (_, index) => {
    return http(`stuck ${index}`, badServers.hanging, { timeoutMs: 60_000, intervalMs: 60_000 });
  });
  await using checker = await startDirector(director);
  const before = await counts();
  await checker.configure({
    ...noDirectorPlan,
    probes: [...stuck, http("well", badServers.well, patient)],
  });
  await waitFor("all hang", async () => ((await counts())["hanging"] ?? 0) >= (before["hanging"] ?? 0) + 100);
  await waitFor("the other is asked ten times", async () => {
    return ((await counts())["well"] ?? 0) >= (before["well"] ?? 0) + 10;
  });
  // Not one of those that hang has come to its end meanwhile.
  expect(checker.verdicts()).toEqual([{ probe: "well", isUp: true, weight: null }]);
  expect(await checker.stop()).toBe(0);
});

test("floods leave neither memory nor sockets behind", async () => {
  const names = ["flooding", "shouting", "talkative", "lying"] as const;
  const probes = names.map((name) => http(name, badServers[name], { intervalMs: 20 }));
  await withProbes(probes, async (checker) => {
    const asked = async (times: number): Promise<void> => {
      const start = await counts();
      await waitFor(
        `each was asked ${times} times`,
        async () => {
          const now = await counts();
          return names.every((name) => (now[name] ?? 0) >= (start[name] ?? 0) + times);
        },
        60_000,
      );
    };
    await asked(50);
    const before = residentBytes(checker.pid);
    await asked(150);
    expect(residentBytes(checker.pid) - before).toBeLessThan(32 * 1024 * 1024);
    const { stdout } = await director.run(["ss", "-Htn", "dst", web]);
    expect(stdout.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(names.length);
  });
});

/** Resolves when the healthy server was asked that often again. */
async function wellAsked(times: number): Promise<void> {
  const before = (await counts())["well"] ?? 0;
  const holds = async (): Promise<boolean> => ((await counts())["well"] ?? 0) >= before + times;
  await waitFor(`the healthy server is asked ${times} times`, holds, 60_000);
}

test("every kind that speaks over a connection gets away from every bad server, and leaves nothing behind", async () => {
  const tls = { serverName: "a.example", ca: null, verifies: true };
  const dns = { name: "a.example", record: "A", rcode: "NOERROR", answer: null, recursion: true } as const;
  const kinds: readonly Check[] = [
    { kind: "agent", send: "" },
    { kind: "agent", send: "asked" },
    { kind: "smtp", helo: "a.example", tls: null },
    { kind: "dns", protocol: "tcp", ...dns },
    { kind: "grpc", service: "", host: null, tls: null },
    { kind: "grpc", service: "", host: null, tls },
    { ...usualHttp, tls },
  ];
  const names = [
    "hanging",
    "flooding",
    "resetting",
    "dribbling",
    "talkative",
    "garbled",
    "shouting",
  ] as const;
  const probes = kinds.flatMap((check, index) =>
    names.map((name) => {
      const target = { address: web, port: badServers[name] };
      return plannedProbe(`${index} ${check.kind} ${name}`, check, { ...timing, target });
    }),
  );
  await withProbes([...probes, http("well", badServers.well, patient)], async (checker) => {
    await wellAsked(20);
    const before = residentBytes(checker.pid);
    await wellAsked(40);
    expect(residentBytes(checker.pid) - before).toBeLessThan(48 * 1024 * 1024);
    expect(probes.filter(({ id }) => checker.probe(id)?.isUp !== false).map(({ id }) => id)).toEqual([]);
    expect(checker.probe("well")?.isUp).toBe(true);
    const { stdout } = await director.run(["ss", "-Htn", "state", "established", "dst", web]);
    expect(stdout.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(probes.length + 1);
  });
});

test("rise and fall are observed on a server that dies and comes back", async () => {
  const port = 8_020;
  const listen = `Bun.listen({hostname:"${web}",port:${port},socket:{data(){}}})`;
  const start = (): Child => servers.spawn([process.execPath, "-e", listen]);
  let server = start();
  await using checker = await startDirector(director);
  await waitFor(
    "it listens",
    async () => (await servers.run(["ss", "-Htln", `sport = :${port}`])).stdout !== "",
  );
  await checker.configure({
    ...noDirectorPlan,
    probes: [tcp("web", port, { rise: 3, fall: 2 })],
  });
  const heard = (text: string): Promise<void> =>
    waitFor(`verdicts are ${text}`, () => told(checker) === text);
  await heard("up");
  server.kill("SIGKILL");
  await heard("up down");
  server = start();
  await heard("up down up");
  const log = readFileSync(join(director.directory, "director.log"), "utf8");
  expect(log).toContain("web is down: connection refused, 2 times in a row");
  expect(log).toMatch(/web is up: connected in .* ms, 3 times in a row/);
  expect(await checker.stop()).toBe(0);
  server.kill();
});
