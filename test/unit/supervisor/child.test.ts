import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { directorRuntimeOptions } from "../../../src/supervisor/child.ts";

test("the supervisor looks for garbage from the same size on as the director, as its unit says", () => {
  const unit = readFileSync(join(import.meta.dir, "../../../systemd/edge-ha.service"), "utf8");
  const name = "BUN_JSC_largeHeapSize";
  const sizes = unit.split("\n").filter((line) => line.startsWith(`Environment=${name}=`));
  expect(sizes).toEqual([`Environment=${name}=${directorRuntimeOptions[name]}`]);
});
