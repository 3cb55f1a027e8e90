import { describe, expect, test } from "bun:test";
import { ConnectionBook } from "../../../src/proxy/connection-book.ts";
import { shareOf } from "../../../src/proxy/share.ts";

describe("ConnectionBook", () => {
  const all = { name: "all", most: 3 };
  const source = { name: "source", most: 1 };

  test("lets in as many as there may be, and others when those have left", () => {
    const book = new ConnectionBook();
    const connections = [{}, {}, {}, {}] as const;
    const results = connections.map((one) => book.enter(one, [all]));
    expect(results).toEqual([null, null, null, all]);
    book.leave(connections[1]);
    book.leave(connections[1]);
    expect(book.count("all")).toBe(2);
    expect(book.enter(connections[3], [all])).toBeNull();
  });

  test("counts under every name or none, and forgets a connection under all of them", () => {
    const book = new ConnectionBook();
    const [first, second] = [{}, {}];
    expect(book.enter(first, [all])).toBeNull();
    expect(book.enter(first, [source])).toBeNull();
    expect(book.enter(second, [all, source])).toBe(source);
    expect(book.count("all")).toBe(1);
    book.leave(second);
    book.leave(first);
    expect([book.count("all"), book.count("source")]).toEqual([0, 0]);
  });
});

test("a process has its share, rounded up", () => {
  expect([shareOf(10, 4), shareOf(1, 4), shareOf(8, 4), shareOf(8, 0)]).toEqual([3, 1, 2, 8]);
});
