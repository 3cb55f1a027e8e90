import { describe, expect, test } from "bun:test";
import { judgeAnswers, type Answers } from "../../../src/real-server/answerers.ts";

const vip = "192.0.2.100";
const lb1 = "02:00:00:00:00:10";
const web = "02:00:00:00:00:08";
const directors = new Map([[lb1, "lb1"]]);
const heard = (macs: readonly string[], change: Partial<Answers> = {}): Answers => ({
  vip,
  interface: "eth0",
  macs,
  problem: null,
  ...change,
});

describe("judgeAnswers()", () => {
  test("is content with one director", () => {
    expect(judgeAnswers(heard([lb1]), directors)).toEqual({
      subject: vip,
      verdict: "fit",
      text: `lb1 (${lb1}), and nobody else, answers ARP for it on eth0`,
    });
  });

  test("names a virtual router by its number", () => {
    expect(judgeAnswers(heard(["00:00:5e:00:01:33"]), directors)).toMatchObject({
      verdict: "fit",
      text: expect.stringContaining("virtual router 51 (00:00:5e:00:01:33)"),
    });
    const six = heard(["00:00:5e:00:02:33"], { vip: "2001:db8::100" });
    expect(judgeAnswers(six, directors).text).toContain("answers neighbour solicitations for it");
  });

  test("is against two, whoever they are", () => {
    const { verdict, text } = judgeAnswers(heard([lb1, web]), directors);
    expect(verdict).toBe("unfit");
    expect(text).toStartWith(`2 machines answer ARP for it on eth0: lb1 (${lb1}), ${web}`);
  });

  test("is against one that is no director, where it knows who is", () => {
    expect(judgeAnswers(heard([web]), directors)).toMatchObject({
      verdict: "unfit",
      text: expect.stringContaining(`${web} answers ARP for it on eth0, and is none of the directors`),
    });
    expect(judgeAnswers(heard([web]), new Map())).toMatchObject({ verdict: "fit" });
  });

  test("only notes what it cannot know", () => {
    for (const answers of [
      heard([]),
      heard([], { interface: null }),
      heard([], { problem: "socket: EPERM" }),
    ]) {
      expect(judgeAnswers(answers, directors).verdict).toBe("note");
    }
    expect(judgeAnswers(heard([]), directors).text).toContain("no director holds it");
    expect(judgeAnswers(heard([], { problem: "socket: EPERM" }), directors).text).toContain("EPERM");
  });
});
