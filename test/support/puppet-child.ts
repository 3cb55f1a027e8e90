import { silentLog } from "../../src/base/log.ts";
import type { Child } from "../../src/supervisor/child.ts";
import { Keeper, type CommonReply } from "../../src/supervisor/keeper.ts";
import { FakeClock } from "./fake-clock.ts";

/** A child that a test speaks for. */
export class PuppetChild implements Child<string> {
  readonly pid: number;
  readonly heard: string[] = [];
  readonly signals: string[] = [];
  readonly say: (message: CommonReply) => void;
  readonly die: (how: string) => void;

  constructor(pid: number, say: (message: CommonReply) => void, die: (how: string) => void) {
    this.pid = pid;
    this.say = say;
    this.die = die;
  }

  send(message: string): void {
    this.heard.push(message);
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.signals.push(signal);
  }
}

/** A keeper of such children, all it has started so far, and the clock it goes by. */
export function makeKeeper(): {
  clock: FakeClock;
  children: PuppetChild[];
  keeper: Keeper<string, CommonReply>;
} {
  const clock = new FakeClock();
  const children: PuppetChild[] = [];
  const keeper = new Keeper<string, CommonReply>({
    name: "puppet",
    clock,
    log: silentLog,
    start: ({ onMessage, onExit }) => {
      const child = new PuppetChild(100 + children.length, onMessage, onExit);
      children.push(child);
      return child;
    },
    configuration: () => `plan for ${children.length}`,
    onMessage: () => undefined,
    onChange: () => undefined,
  });
  return { clock, children, keeper };
}
