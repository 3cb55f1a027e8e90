import { expect, test } from "bun:test";
import { socketsOfManager } from "../../../src/supervisor/inherited-sockets.ts";
import { mostStored, SocketStore } from "../../../src/supervisor/socket-store.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { recordingLog } from "../../support/recording-log.ts";

/** A manager with room for so many words before it has to read. */
class Manager {
  readonly heard: string[] = [];
  room = Number.POSITIVE_INFINITY;

  store(name: string, descriptor: number): boolean {
    return this.#hear(`store ${name} ${descriptor}`);
  }

  discard(name: string): boolean {
    return this.#hear(`discard ${name}`);
  }

  #hear(word: string): boolean {
    if (this.room <= 0) return false;
    this.room -= 1;
    this.heard.push(word);
    return true;
  }

  /** Gives what was heard since the last question. */
  news(): string[] {
    return this.heard.splice(0);
  }
}

const parts = (): {
  manager: Manager;
  clock: FakeClock;
  log: ReturnType<typeof recordingLog>["log"];
  said: string[];
} => ({
  manager: new Manager(),
  clock: new FakeClock(),
  ...recordingLog(),
});

test("SocketStore has each socket kept once, under a short name without colons, and thrown away when it is gone", () => {
  const { said: _, ...own } = parts();
  const store = new SocketStore({ ...own, inherited: [] });
  store.keep([
    new Map([
      ["[2001:db8::1]:443", 7],
      ["udp 192.0.2.1:53", 8],
    ]),
    new Map([["[2001:db8::1]:443", 9]]),
  ]);
  expect(own.manager.news()).toEqual(["store tcp443.0 7", "store udp53.1 8", "store tcp443.2 9"]);
  store.keep([new Map([["[2001:db8::1]:443", 7]]), new Map([["[2001:db8::1]:443", 9]])]);
  expect(own.manager.news()).toEqual(["discard udp53.1"]);
  store.keep([new Map([["192.0.2.1:80", 8]])]);
  expect(own.manager.news()).toEqual(["discard tcp443.0", "discard tcp443.2", "store tcp80.3 8"]);
  expect([store.nameOf(8), store.nameOf(7)]).toEqual(["tcp80.3", null]);
});

test("SocketStore knows what its predecessor had kept, and gives nothing else these names", () => {
  const { said: _, ...own } = parts();
  const inherited = [
    { descriptor: 3, storedAs: "tcp80.4" },
    { descriptor: 4, storedAs: "stray" },
    { descriptor: 5, storedAs: null },
  ];
  const store = new SocketStore({ ...own, inherited });
  store.keep([
    new Map([
      ["0.0.0.0:80", 3],
      ["0.0.0.0:81", 5],
    ]),
  ]);
  expect(own.manager.news()).toEqual(["discard stray", "store tcp81.5 5"]);
});

test("SocketStore says again what a busy manager had no room for, and less and less often", () => {
  const { said: _, ...own } = parts();
  const { manager, clock } = own;
  const store = new SocketStore({ ...own, inherited: [] });
  manager.room = 1;
  store.keep([
    new Map([
      ["0.0.0.0:80", 3],
      ["0.0.0.0:81", 4],
    ]),
  ]);
  clock.advance(15_000);
  expect(manager.news()).toEqual(["store tcp80.0 3"]);
  manager.room = 5;
  clock.advance(10_000);
  expect(manager.news()).toEqual(["store tcp81.1 4"]);
  manager.room = 0;
  store.keep([]);
  store.close();
  manager.room = 5;
  clock.advance(60_000);
  expect(manager.news()).toEqual([]);
});

test("SocketStore says how many sockets a restart closes where there are too many", () => {
  const { said, ...own } = parts();
  const many = Array.from({ length: mostStored + 2 }, (_, port): [string, number] => [
    `0.0.0.0:${port}`,
    port + 3,
  ]);
  new SocketStore({ ...own, inherited: [] }).keep([new Map(many)]);
  expect(own.manager.news().length).toBe(mostStored);
  expect(said).toEqual([
    "warning: a restart of the service closes 2 of 4098 listening sockets: the service manager keeps 4096",
  ]);
});

test("socketsOfManager() reads what is meant for this process, and nothing else", () => {
  const environment = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "tcp80.0" };
  expect(socketsOfManager(environment, 7)).toEqual([
    { descriptor: 3, storedAs: "tcp80.0" },
    { descriptor: 4, storedAs: null },
  ]);
  expect(socketsOfManager(environment, 8)).toEqual([]);
  expect(socketsOfManager({ ...environment, LISTEN_FDS: "many" }, 7)).toEqual([]);
  expect(socketsOfManager({}, 7)).toEqual([]);
});

test("SocketStore takes no new socket for one that is gone and had its number, while the manager has no room", () => {
  const { said: _, ...own } = parts();
  const store = new SocketStore({ ...own, inherited: [] });
  store.keep([new Map([["192.0.2.1:80", 7]])]);
  own.manager.news();
  own.manager.room = 0;
  store.keep([]);
  store.keep([new Map([["192.0.2.1:443", 7]])]);
  expect(store.nameOf(7)).toBeNull();
  own.manager.room = Number.POSITIVE_INFINITY;
  own.clock.advance(1_000);
  expect(own.manager.news()).toEqual(["discard tcp80.0", "store tcp443.1 7"]);
  expect(store.nameOf(7)).toBe("tcp443.1");
});
