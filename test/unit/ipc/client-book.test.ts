import { expect, test } from "bun:test";
import { ClientBook } from "../../../src/ipc/client-book.ts";

test("a client belongs to its server until its time is over", () => {
  const book = new ClientBook();
  book.note("a", "s1", 100);
  expect(book.serverOf("a", 99)).toBe("s1");
  expect(book.serverOf("a", 100)).toBeNull();
  expect(book.serverOf("b", 0)).toBeNull();
});

test("a full book forgets whoever has not come for longest", () => {
  const book = new ClientBook(2);
  book.note("a", "s1", 100);
  book.note("b", "s1", 100);
  book.note("a", "s2", 100);
  book.note("c", "s1", 100);
  expect(book.size).toBe(2);
  expect(["a", "b", "c"].map((client) => book.serverOf(client, 0))).toEqual(["s2", null, "s1"]);
});

test("tidying forgets those whose time is over", () => {
  const book = new ClientBook();
  for (let index = 0; index < 10; index++) book.note(`c${index}`, "s", 10 * index);
  book.tidy(55);
  expect(book.size).toBe(4);
  expect(book.notes("web", 75)).toEqual([
    { relay: "web", client: "c8", server: "s", forMs: 5 },
    { relay: "web", client: "c9", server: "s", forMs: 15 },
  ]);
});
