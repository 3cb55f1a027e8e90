import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noDirectorPlan } from "../../../src/config/node-plan.ts";
import type { ProbePlan, ScriptCheck } from "../../../src/config/check-plan.ts";
import { type DirectorProcess, startDirector } from "../../support/director-process.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe } from "../../support/probe-plans.ts";
import { probeResults } from "../../support/probe-results.ts";

/** Checks that set weights, and those that run programs on the node. */

setDefaultTimeout(60_000);
const agentPort = 9999;
let lab: Lab;
let host: Host;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("director", {});
  // An agent that says what is in a file, which is what it was sent, beneath its own folder.
  const agent = `Bun.listen({ hostname: "127.0.0.1", port: ${agentPort}, socket: { async data(socket, bytes) {
    const file = Bun.file(\`${host.directory}/\${bytes.toString().trim()}\`);
    socket.end(await file.text());
  } } });`;
  host.spawn([process.execPath, "-e", agent]);
  await waitFor("the agent listens", async () =>
    (await host.run(["ss", "-Hltn"])).stdout.includes(`:${agentPort} `),
  );
});
afterAll(() => lab[Symbol.asyncDispose]());

const fast = { intervalMs: 100, timeoutMs: 1_000, retries: 0 };

function scripted(id: string, script: string, change: Partial<ScriptCheck> = {}): ProbePlan {
  const path = join(host.directory, `${id}.sh`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return plannedProbe(
    id,
    { kind: "script", command: [path], user: null, setsWeight: false, ...change },
    fast,
  );
}

test("scripts: the exit status, the server's address, the user, and no survivors", async () => {
  const before = new Set(readdirSync("/proc"));
  const weighed = { setsWeight: true };
  const seen = await probeResults(host, [
    scripted("well", "exit 0"),
    scripted("ill", "exit 3"),
    scripted("weighed", "exit 102", weighed),
    scripted("weighed, ill", "exit 1", weighed),
    scripted("told", 'test "$EDGE_HA_ADDRESS $EDGE_HA_PORT" = "192.0.2.1 80"'),
    scripted("nobody", 'test "$(id -u)" != 0'),
    scripted("root", 'test "$(id -u)" = 0', { user: "root" }),
    scripted("stuck", "sleep 4711 & sleep 4712"),
    scripted("stranger", "exit 0", { user: "no-such-user" }),
    plannedProbe("missing", { kind: "script", command: ["/no/such"], user: null, setsWeight: false }, fast),
  ]);
  const root = seen["root"];
  expect(seen).toMatchObject({
    well: expect.stringMatching(/^up: exit status 0 in /),
    ill: "down: exit status 3",
    weighed: expect.stringMatching(/^up: exit status 102 in /),
    "weighed, ill": "down: exit status 1",
    told: expect.stringMatching(/^up: /),
    nobody: expect.stringMatching(/^up: /),
    stuck: "down: no answer within 1000 ms",
    stranger: "down: there is no user no-such-user to run a script as",
    missing: expect.stringMatching(/^down: cannot be run: /),
  });
  // Root runs it if nobody else can change it, and the lab's folder may be anywhere.
  expect(root).toMatch(/^up: exit status 0|^down: not run by root: /);
  const sleepers = (): readonly string[] =>
    readdirSync("/proc").filter(
      (pid) => /^\d+$/.test(pid) && !before.has(pid) && /^sleep.471[12]/s.test(commandOf(pid)),
    );
  await waitFor("what hung is gone with all it started", () => sleepers().length === 0);
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

/** What was told of a probe: `up`, or `up` with the weight as JSON. */
function told(checker: DirectorProcess, id: string): readonly string[] {
  return checker
    .verdicts()
    .filter(({ probe }) => probe === id)
    .map(({ isUp, weight }) =>
      weight === null ? (isUp ? "up" : "down") : `${isUp ? "up" : "down"} ${JSON.stringify(weight)}`,
    );
}

function share(percent: number): string {
  return `up {"kind":"share","percent":${percent}}`;
}

test("files and agents say how a server is and what weight it wants, and every change is told once", async () => {
  const file = join(host.directory, "file");
  const said = join(host.directory, "said");
  await Bun.write(said, "up 75%\n");
  await using checker = await startDirector(host);
  const agent = { address: "127.0.0.1", port: agentPort };
  const probes = [
    plannedProbe("file", { kind: "file", path: file, weight: 0 }, fast),
    plannedProbe("weighed file", { kind: "file", path: file, weight: -2 }, fast),
    plannedProbe("agent", { kind: "agent", send: "said" }, { ...fast, target: agent }),
  ];
  expect(
    await checker.configure({
      ...noDirectorPlan,
      probes,
    }),
  ).toBeNull();
  const steps: { file: string; said: string; wanted: Readonly<Record<string, string>> }[] = [
    { file: "", said: "up 75%", wanted: { file: "up", "weighed file": "up", agent: share(75) } },
    {
      file: "5",
      said: "drain",
      wanted: { file: "down", "weighed file": 'up {"kind":"offset","by":-10}', agent: share(0) },
    },
    {
      file: "30% # half asleep",
      said: "down # disk full",
      wanted: { file: share(30), "weighed file": share(30), agent: `down {"kind":"share","percent":0}` },
    },
    { file: "maint", said: "up", wanted: { file: `down {"kind":"share","percent":30}`, agent: "up" } },
  ];
  for (const step of steps) {
    await Bun.write(file, step.file);
    await Bun.write(said, step.said);
    for (const [id, text] of Object.entries(step.wanted))
      await waitFor(`${id} is told as ${text}`, () => told(checker, id).at(-1) === text);
  }
  expect(checker.probe("agent")?.lastResult).toMatch(/^agent says /);
  rmSync(file);
  await waitFor("a file that is gone says nothing", () => told(checker, "file").at(-1) === "up");
  // Nothing is told twice.
  for (const { id } of probes) {
    const all = told(checker, id);
    expect(all.filter((text, at) => text === all[at - 1])).toEqual([]);
  }
  expect(await checker.stop()).toBe(0);
});
