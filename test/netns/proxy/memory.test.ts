import { expect, setDefaultTimeout, test } from "bun:test";
import { Soak, trendOf } from "../../support/soak.ts";

setDefaultTimeout(120_000);

test("memory stays flat over requests and over those that their clients cut", async () => {
  await using soak = await Soak.start(true);
  const { kept } = await soak.rounds({ rounds: 8, requests: 32_000, aborts: 4_000 });
  console.log(`${kept.map((size) => size.toFixed(1)).join("  ")} MiB`);
  // In the first rounds code is compiled. `scripts/bench soak` does a million.
  expect(trendOf(kept.slice(3)).growth).toBeLessThan(3);
});
