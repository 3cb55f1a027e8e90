import { expect, test } from "bun:test";
import { Predecessor, type ProcessControl } from "../../../src/supervisor/predecessor.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordingLog } from "../../support/recording-log.ts";

/** Processes that end when they are told to, or only when they are killed. */
class Processes implements ProcessControl {
  readonly signals: string[] = [];
  readonly gone = new Set<number>();

  kill(pid: number, signal: NodeJS.Signals): void {
    this.signals.push(`${signal} ${pid}`);
    if (signal === "SIGKILL") this.gone.add(pid);
  }

  hasEnded(pid: number): boolean {
    return this.gone.has(pid);
  }
}

const left = { vrrp: 10, proxies: [20, 21], leaving: [30] };

test("Predecessor kills the elections only, has the proxies finish, and says when all are gone", async () => {
  const { log, said } = recordingLog();
  const clock = new FakeClock();
  const control = new Processes();
  const gone: number[] = [];
  const onGone = (pid: number): void => void gone.push(pid);
  const predecessor = new Predecessor(left, { clock, log, control, onGone });
  await predecessor.endElections();
  predecessor.release();
  predecessor.reopenLogs();
  expect(control.signals).toEqual([
    "SIGKILL 10",
    "SIGTERM 20",
    "SIGTERM 21",
    "SIGUSR1 20",
    "SIGUSR1 21",
    "SIGUSR1 30",
  ]);
  for (const pid of [20, 30]) control.gone.add(pid);
  clock.advance(1_000);
  expect(predecessor.left).toEqual([21]);
  expect(said).toEqual([]);
  control.gone.add(21);
  clock.advance(10_000);
  expect(said).toEqual(["notice: the last process of the program before this one is gone"]);
  expect(gone).toEqual([10, 20, 30, 21]);
});

test("Predecessor kills nobody for elections that have ended by themselves", async () => {
  const { log } = recordingLog();
  const clock = new FakeClock();
  const control = new Processes();
  const predecessor = new Predecessor(left, { clock, log, control, onGone: () => undefined });
  control.gone.add(10);
  clock.advance(1_000);
  await predecessor.endElections();
  expect(control.signals).toEqual([]);
});

test("Predecessor kills what does not leave on a stop", async () => {
  const { log } = recordingLog();
  const clock = new FakeClock();
  const control = new Processes();
  const predecessor = new Predecessor(
    { vrrp: null, proxies: [20], leaving: [] },
    { clock, log, control, onGone: () => undefined },
  );
  await predecessor.endElections();
  const stopped = predecessor.stop();
  clock.advance(6_000);
  await stopped;
  expect(control.signals).toEqual(["SIGTERM 20", "SIGKILL 20"]);
});
