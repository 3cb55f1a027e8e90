import { describe, expect, test } from "bun:test";
import { isMeant, processSight } from "../../../../src/vrrp/tracks/process-match.ts";

const haproxy = { name: "haproxy", words: ["/usr/sbin/haproxy", "-Ws", "-f", "/etc/haproxy.cfg"] };
const meant = (process: string, ...words: readonly string[]): boolean =>
  isMeant({ process, arguments: words }, haproxy);

describe("isMeant", () => {
  test("goes by the name, or by the path with a slash in it", () => {
    expect(meant("haproxy")).toBe(true);
    expect(meant("/usr/sbin/haproxy")).toBe(true);
    expect(meant("/usr/local/sbin/haproxy")).toBe(false);
    expect(meant("hapro")).toBe(false);
  });

  test("wants the arguments one after the other, anywhere", () => {
    expect(meant("haproxy", "-f", "/etc/haproxy.cfg")).toBe(true);
    expect(meant("haproxy", "-Ws")).toBe(true);
    expect(meant("haproxy", "-Ws", "/etc/haproxy.cfg")).toBe(false);
    expect(meant("haproxy", "/usr/sbin/haproxy")).toBe(false);
    expect(meant("haproxy", "-f", "/etc/haproxy.cfg", "-x")).toBe(false);
  });

  test("knows long names by the 15 bytes that the kernel keeps", () => {
    const long = { name: "systemd-resolve", words: ["/lib/systemd/systemd-resolved"] };
    expect(isMeant({ process: "systemd-resolved", arguments: [] }, long)).toBe(true);
  });
});

const sight = (count: number, atLeast: number): ReturnType<typeof processSight> =>
  processSight({ process: "nginx", arguments: [], atLeast }, count);

describe("processSight", () => {
  test("says how many run", () => {
    expect(sight(0, 1)).toEqual({ isUp: false, text: "no process nginx runs" });
    expect(sight(1, 1)).toEqual({ isUp: true, text: "1 process nginx runs" });
    expect(sight(2, 3)).toEqual({ isUp: false, text: "2 processes nginx run, 3 are wanted" });
  });
});
