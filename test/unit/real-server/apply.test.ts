import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { takeAllOrNone, takeWhatGoes, takeWhileTheyGo } from "../../../src/real-server/apply.ts";
import { describeStep, type Step } from "../../../src/real-server/steps.ts";

const sysctl: Step = { kind: "set-sysctl", path: "net/ipv4/conf/all/arp_ignore", from: "0", to: "1" };
const address: Step = { kind: "add-address", address: "192.0.2.10", label: "lo:0" };
const route: Step = { kind: "add-route", address: "192.0.2.10" };

/** A kernel that writes down what it was asked, and refuses the steps whose description contains a word. */
function recorder(...refused: readonly string[]): { asked: string[]; perform: (step: Step) => void } {
  const asked: string[] = [];
  return {
    asked,
    perform(step) {
      const text = describeStep(step);
      if (refused.some((word) => text.includes(word))) throw new SystemError("netlink", "EPERM");
      asked.push(text);
    },
  };
}

describe("takeAllOrNone()", () => {
  test("takes the steps in order", () => {
    const { asked, perform } = recorder();
    expect(takeAllOrNone([sysctl, address, route], perform)).toEqual({ kind: "done" });
    expect(asked).toEqual([sysctl, address, route].map(describeStep));
  });

  test("takes back in reverse what it took when a step fails", () => {
    const { asked, perform } = recorder("add the host route");
    expect(takeAllOrNone([sysctl, address, route], perform)).toEqual({
      kind: "failed",
      reason: "could not add the host route to 192.0.2.10 on lo: netlink: EPERM",
      inForce: [],
      stuck: [],
    });
    expect(asked.slice(2)).toEqual([
      "remove 192.0.2.10/32 from lo",
      "set net.ipv4.conf.all.arp_ignore from 1 to 0",
    ]);
  });

  test("goes on taking back when one of them fails, and names it", () => {
    const { asked, perform } = recorder("add the host route", "remove 192.0.2.10/32");
    const outcome = takeAllOrNone([sysctl, address, route], perform);
    expect(outcome).toMatchObject({
      inForce: [address],
      stuck: ["could not remove 192.0.2.10/32 from lo: netlink: EPERM"],
    });
    expect(asked.at(-1)).toBe("set net.ipv4.conf.all.arp_ignore from 1 to 0");
  });
});

describe("takeWhileTheyGo()", () => {
  test("leaves in force what it took before the step that failed, and takes none after it", () => {
    const { asked, perform } = recorder("add 192.0.2.10/32");
    expect(takeWhileTheyGo([sysctl, address, route], perform)).toMatchObject({
      kind: "failed",
      inForce: [sysctl],
    });
    expect(asked).toEqual([describeStep(sysctl)]);
  });
});

describe("takeWhatGoes()", () => {
  const other: Step = { kind: "add-address", address: "192.0.2.11", label: "lo:1" };

  test("takes the steps behind one that fails, and takes nothing back", () => {
    const { asked, perform } = recorder("192.0.2.10");
    expect(takeWhatGoes([sysctl, address, route, other], perform)).toEqual({
      kind: "failed",
      reason:
        "could not add 192.0.2.10/32 to lo as lo:0: netlink: EPERM; " +
        "could not add the host route to 192.0.2.10 on lo: netlink: EPERM",
      inForce: [sysctl, other],
      stuck: [],
    });
    expect(asked).toEqual([sysctl, other].map(describeStep));
  });

  test("adds no VIP where its ARP settings cannot be made", () => {
    const { asked, perform } = recorder("arp_ignore");
    expect(takeWhatGoes([sysctl, address], perform)).toMatchObject({ kind: "failed", inForce: [] });
    expect(asked).toEqual([]);
  });
});
