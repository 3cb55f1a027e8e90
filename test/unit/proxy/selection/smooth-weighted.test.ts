import { describe, expect, test } from "bun:test";
import { SmoothWeighted } from "../../../../src/proxy/selection/smooth-weighted.ts";

interface Named {
  readonly name: string;
  weight: number;
  readonly isBackup: boolean;
  isUp: boolean;
  isFull: boolean;
}

function server(name: string, weight = 1): Named {
  return { name, weight, isBackup: false, isUp: true, isFull: false };
}

function turns(balancer: SmoothWeighted<Named>, count: number): string {
  return Array.from({ length: count }, () => balancer.next(null)?.name ?? "-").join("");
}

describe("smooth weighted round robin", () => {
  test("takes equal servers in turn", () => {
    expect(turns(new SmoothWeighted([server("a"), server("b"), server("c")]), 6)).toBe("abcabc");
  });

  test("spreads the turns of a heavy server", () => {
    expect(turns(new SmoothWeighted([server("a", 5), server("b"), server("c")]), 7)).toBe("aabacaa");
  });

  test("gives each its share exactly over a full round", () => {
    const balancer = new SmoothWeighted([server("a", 7), server("b", 3), server("c", 90)]);
    const counts: Record<string, number> = {};
    for (const name of turns(balancer, 1000)) counts[name] = (counts[name] ?? 0) + 1;
    expect(counts).toEqual({ a: 70, b: 30, c: 900 });
  });

  test("passes over servers that are down, tried or of weight 0", () => {
    const [a, b, c] = [server("a"), server("b"), server("c", 0)];
    const balancer = new SmoothWeighted([a, b, c]);
    a.isUp = false;
    expect(turns(balancer, 3)).toBe("bbb");
    expect(balancer.next([b])).toBeNull();
    b.isUp = false;
    expect(balancer.next(null)).toBeNull();
  });

  test("takes a server in again when it is up again", () => {
    const [a, b] = [server("a"), server("b")];
    const balancer = new SmoothWeighted([a, b]);
    a.isUp = false;
    turns(balancer, 100);
    a.isUp = true;
    expect(turns(balancer, 4).split("").sort().join("")).toBe("aabb");
  });

  test("gives none of no servers", () => {
    expect(new SmoothWeighted<Named>([]).next(null)).toBeNull();
  });
});
