import { expect, test } from "bun:test";
import type { Departure, DepartureReply } from "../../../src/ipc/departure.ts";
import { Departures } from "../../../src/supervisor/departures.ts";

function desk(): {
  departures: Departures<string>;
  replies: DepartureReply[];
  held: (readonly string[])[];
  sent: string[];
} {
  const replies: DepartureReply[] = [];
  const held: (readonly string[])[] = [];
  const sent: string[] = [];
  const departures = new Departures<string>({
    proxies: () => ["a", "b"],
    send: (proxy, { step }) => sent.push(`${proxy} ${step.kind}`),
    answer: (reply) => replies.push(reply),
    hold: (addresses) => held.push(addresses),
  });
  return { departures, replies, held, sent };
}

const addresses = ["192.0.2.100"];
const clear: Departure = { id: 1, addresses, step: { kind: "clear", limitMs: 200, holdsNew: true } };

test("a step is over when every proxy has answered, and the answers add up", () => {
  const { departures, replies } = desk();
  departures.begin({ id: 1, addresses, step: { kind: "drain", limitMs: 2000 } });
  departures.answered("a", { id: 1, kind: "drain", ended: 1 });
  departures.answered("a", { id: 1, kind: "drain", ended: 1 });
  departures.answered("b", { id: 1, kind: "clear", ended: 1 });
  expect(replies).toEqual([]);
  departures.answered("b", { id: 1, kind: "drain", ended: 2 });
  expect(replies).toEqual([{ id: 1, kind: "drain", ended: 3 }]);
});

test("new connections are held back from the clearing to the end", () => {
  const { departures, held, sent } = desk();
  departures.begin({ id: 1, addresses, step: { kind: "drain", limitMs: 2000 } });
  expect(held).toEqual([]);
  departures.begin(clear);
  departures.begin({ id: 1, addresses, step: { kind: "over", isGone: true } });
  expect(held).toEqual([addresses, []]);
  expect(sent.slice(-2)).toEqual(["a over", "b over"]);
});

test("cancel() lets new connections in again", () => {
  const { departures, held } = desk();
  departures.begin(clear);
  departures.cancel();
  departures.cancel();
  expect(held).toEqual([addresses, []]);
});

test("forget() waits for nothing from a proxy that is gone", () => {
  const { departures, replies } = desk();
  departures.begin(clear);
  departures.answered("a", { id: 1, kind: "clear", ended: 1 });
  departures.forget("b");
  departures.forget("b");
  expect(replies).toEqual([{ id: 1, kind: "clear", ended: 1 }]);
});
