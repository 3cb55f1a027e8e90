import { expect, test } from "bun:test";
import type { Program, ProgramEnd } from "../../../src/base/program.ts";
import { ProgramLine, type ProgramRun } from "../../../src/director/program-line.ts";
import { recordingLog } from "../../support/recording-log.ts";

/** A line of programs, each of which takes until it is told to end. */
function line(mostWaiting: number): {
  readonly run: (subject: string, word: string) => void;
  readonly told: string[];
  readonly endAll: () => Promise<void>;
  readonly said: string[];
} {
  const told: string[] = [];
  const { log, said } = recordingLog();
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  const programs = new ProgramLine(log, mostWaiting, ({ environment }: Program) => {
    told.push(environment?.["WORD"] ?? "");
    return promise;
  });
  const run = (subject: string, word: string): void => {
    const program: ProgramRun["program"] = { command: ["/bin/true"], timeoutMs: 1_000, user: "root" };
    programs.run({
      subject,
      what: `${subject} ${word}`,
      program,
      environment: { WORD: `${subject} ${word}` },
    });
  };
  const endAll = async (): Promise<void> => {
    resolve({ exitStatus: 0, text: "exit status 0" });
    await programs.tail;
  };
  return { run, told, endAll, said };
}

test("of what comes and goes while a program hangs, the last word is told", async () => {
  const { run, told, endAll, said } = line(2);
  for (let turn = 0; turn < 50; turn++) run("web", turn % 2 === 0 ? "down" : "up");
  await endAll();
  expect(told).toEqual(["web down", "web up"]);
  expect(said).toEqual([
    "warning: web up: left out, as 2 runs wait already; of what changes meanwhile only the last word is told",
  ]);
});

test("a service of many ports is told of at each of them, however many that are", async () => {
  const { run, told, endAll, said } = line(16);
  for (let port = 1; port <= 256; port++) run(`tcp 192.0.2.1:${port}`, "up");
  await endAll();
  expect(told).toHaveLength(256);
  expect(said).toEqual([]);
});
