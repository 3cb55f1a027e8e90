import { expect, setDefaultTimeout, test } from "bun:test";
import { soak } from "../../support/soak.ts";

setDefaultTimeout(60_000);

test("memory stays flat over requests and over those that their clients cut", async () => {
  const { mebibytes } = await soak({ rounds: 5, requests: 20_000, aborts: 2_000 });
  console.log(`${mebibytes.map((size) => size.toFixed(1)).join("  ")} MiB`);
  // The runtime collects when it likes: what leaks would go on growing. `scripts/bench soak` does a million.
  expect(mebibytes.at(-1) ?? 0).toBeLessThan((mebibytes[0] ?? 0) + 25);
});
