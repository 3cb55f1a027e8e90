import { expect, test } from "bun:test";
import { refusalOf } from "../../../src/supervisor/successor-check.ts";

const shell = (script: string): readonly string[] => ["/bin/sh", "-c", script];

test.each([
  ["nothing where it finds nothing wrong", shell("echo fine"), null],
  ["what it finds", shell("echo one >&2; echo two >&2; exit 2"), ["one", "two"]],
  ["how it ended where it says nothing", shell("exit 3"), ["/bin/sh ended with exit status 3"]],
  ["the signal that ended it", shell("kill -SEGV $$"), ["/bin/sh ended with SIGSEGV"]],
  [
    "that it is no program",
    ["/dev/null"],
    ["/dev/null cannot be run: EACCES: permission denied, posix_spawn '/dev/null'"],
  ],
])("a program that is to take another's place says %s", async (_, command, refusal) => {
  expect(await refusalOf(command, 20_000)).toEqual(refusal);
});

test("one that hangs is killed, and what it has started is not waited for", async () => {
  expect(await refusalOf(shell("sleep 2 & sleep 2000"), 50)).toEqual([
    "/bin/sh did not answer within 0.05 s: killed",
  ]);
});
