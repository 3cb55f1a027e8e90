import { test } from "bun:test";

let isBroken = false;

/** A test that does not even begin once an earlier one of its file has failed: it could only wait in vain. */
export function step(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    if (isBroken) throw new Error("an earlier step failed");
    isBroken = true;
    await body();
    isBroken = false;
  });
}
