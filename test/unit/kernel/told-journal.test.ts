import { expect, test } from "bun:test";
import { ToldJournal } from "../../../src/kernel/told-journal.ts";
import { recordingLog } from "../../support/recording-log.ts";

test("a journal that cannot be written is told of once, tried again, and told of when it can be", () => {
  const { log, said } = recordingLog();
  let trouble: string | null = null;
  const written: string[][] = [];
  const journal = {
    entries: new Set<string>(),
    note(entries: ReadonlySet<string>): void {
      this.entries = new Set(entries);
      if (trouble !== null) throw new Error(trouble);
      written.push([...entries]);
    },
  };
  const told = new ToldJournal(journal, log, { name: "the journal of things", risk: "some stay behind" });
  told.note(new Set(["a"]));
  for (trouble of ["disk full", "disk full", "disk gone"]) told.note(new Set(["a", "b"]));
  expect([...told.entries]).toEqual(["a", "b"]);
  trouble = null;
  for (const again of [1, 2]) told.note(new Set(["a", "b", String(again)]));
  expect(said).toEqual([
    "warning: the journal of things cannot be written, some stay behind: disk full",
    "warning: the journal of things cannot be written, some stay behind: disk gone",
    "notice: the journal of things can be written again",
  ]);
  expect(written).toEqual([["a"], ["a", "b", "1"], ["a", "b", "2"]]);
});
