import { describe, expect, test } from "bun:test";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { ConnectionBook, type ConnectionLimit } from "../../../src/proxy/connection-book.ts";

function countOf(counts: CommonCounts, { kind, name }: ConnectionLimit): number {
  return counts.count(counts.key(name, kind));
}

describe("ConnectionBook", () => {
  const all = { name: "all", kind: "configured", most: 3 } as const;
  const source = { name: "source", kind: "source", most: 1 } as const;

  test("lets in as many as there may be, and others when those have left", () => {
    const counts = new CommonCounts();
    const book = new ConnectionBook(counts);
    const connections = [{}, {}, {}, {}] as const;
    const results = connections.map((one) => book.enter(one, [all]));
    expect(results).toEqual([null, null, null, all]);
    book.leave(connections[1]);
    book.leave(connections[1]);
    expect(countOf(counts, all)).toBe(2);
    expect(book.enter(connections[3], [all])).toBeNull();
  });

  test("counts under every name or none, and forgets a connection under all of them", () => {
    const counts = new CommonCounts();
    const book = new ConnectionBook(counts);
    const [first, second] = [{}, {}];
    expect(book.enter(first, [all])).toBeNull();
    expect(book.enter(first, [source])).toBeNull();
    expect(book.enter(second, [all, source])).toBe(source);
    expect(countOf(counts, all)).toBe(1);
    book.leave(second);
    book.leave(first);
    expect([countOf(counts, all), countOf(counts, source)]).toEqual([0, 0]);
  });
});
