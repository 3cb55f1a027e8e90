import { expect, test } from "bun:test";
import type { SlotNews } from "../../../../src/ipc/slot-news.ts";
import { askAgainMs } from "../../../../src/proxy/slots/slot-holding.ts";
import { SlotHoldings } from "../../../../src/proxy/slots/slot-holdings.ts";
import { noSlotBook } from "../../../support/no-slot-book.ts";

test("SlotHoldings hear the answer for what a process that finishes has asked for when all of it was over", async () => {
  const said: SlotNews[] = [];
  const slots = new SlotHoldings((news) => void said.push(news), noSlotBook);
  let waiting = 0;
  const server = slots.of("server");
  server.serve(
    { inUse: 0 },
    () => waiting,
    () => undefined,
  );
  server.configure(4, 2);
  slots.heard([{ kind: "lent", name: "server", count: 2, answers: 1 }]);
  slots.leave();
  expect(server.isOver).toBe(true);
  await Bun.sleep(3 * askAgainMs); // it is forgotten
  waiting = 1;
  server.ask();
  slots.heard([{ kind: "lent", name: "server", count: 1, answers: 2 }]);
  expect([server.held, server.isAsking]).toEqual([1, false]);
  slots.close();
  expect(said.at(-1)?.notes.at(-1)).toMatchObject({ question: 2, wanted: 1, returned: 0 });
});

test("SlotHoldings keep half where nobody can be asked for more, until no request may come any more", () => {
  const slots = new SlotHoldings(() => undefined, noSlotBook);
  const server = slots.of("server");
  server.serve(
    { inUse: 0 },
    () => 0,
    () => undefined,
  );
  server.configure(12, 8);
  slots.heard([{ kind: "lent", name: "server", count: 8, answers: 1 }]);
  slots.part();
  expect(server.held).toBe(4);
  slots.leave();
  expect([server.held, slots.hasSpare]).toEqual([2, true]);
  slots.leaveAll();
  expect([server.held, slots.hasSpare]).toEqual([0, false]);
  slots.close();
});

test("SlotHoldings write down what they want while nobody hears them, and take it back once somebody does", () => {
  const wanted: number[] = [];
  const slots = new SlotHoldings(() => undefined, {
    ...noSlotBook,
    want: (_name, count) => void wanted.push(count),
  });
  const server = slots.of("server");
  server.serve(
    { inUse: 0 },
    () => 3,
    () => undefined,
  );
  server.configure(12, 8);
  expect(wanted).toEqual([]);
  slots.part();
  expect(wanted).toEqual([8]);
  slots.heard([]);
  expect(wanted).toEqual([8, 0]);
  slots.close();
});
