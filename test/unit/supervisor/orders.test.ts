import { describe, expect, test } from "bun:test";
import { Orders } from "../../../src/supervisor/orders.ts";

/** Orders to a child that takes them, and what it was sent. */
function lab(refusal: string | null = null): {
  readonly orders: Orders<string, string>;
  readonly sent: readonly string[];
} {
  const sent: string[] = [];
  const orders = new Orders<string, string>({
    refusal: () => refusal,
    send: (id, order) => void sent.push(`${id} ${order}`),
  });
  return { orders, sent };
}

describe("Orders", () => {
  test("give each report to whom it belongs", async () => {
    const { orders, sent } = lab();
    const both = [orders.give("one"), orders.give("two")];
    expect(sent).toEqual(["1 one", "2 two"]);
    orders.answered(2, { outcomes: ["second"], refusal: null });
    orders.answered(1, { outcomes: ["first"], refusal: null });
    orders.answered(1, { outcomes: ["again"], refusal: null });
    expect((await Promise.all(both)).map(({ outcomes }) => outcomes)).toEqual([["first"], ["second"]]);
  });

  test("are not sent to whom nothing can be ordered", async () => {
    const { orders, sent } = lab("it is being started");
    expect(await orders.give("one")).toEqual({ outcomes: [], refusal: "it is being started" });
    expect(sent).toEqual([]);
  });

  test("are refused when the child dies, and its answer comes to nobody", async () => {
    const { orders } = lab();
    const waiting = orders.give("one");
    orders.refuseAll("it died");
    expect(await waiting).toEqual({ outcomes: [], refusal: "it died" });
    orders.answered(1, { outcomes: ["late"], refusal: null });
  });
});
