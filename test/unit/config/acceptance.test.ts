import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { site, web } from "./fixtures.ts";

const closed = `${vip}accept = false\n`;

describe("accept = false", () => {
  test("goes to the plan, but for the owner of the addresses", () => {
    const plan = planNode(configOf(base + closed), "lb1", { cores: 1 });
    expect(plan.vrrp.instances[0]?.accepts).toBe(false);
    expect(describePlan(plan)).toContain("accepts no packets to its addresses");
    const owned = `[[vrrp]]\nname = "own"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 255, lb2 = 100 }\naddresses = ["10.16.8.10/24"]\naccept = false\n`;
    const of = (node: string): boolean | undefined =>
      planNode(configOf(base + owned), node, { cores: 1 }).vrrp.instances[0]?.accepts;
    expect([of("lb1"), of("lb2")]).toEqual([true, false]);
  });

  test("is taken where the kernel forwards, and where a listener is for other addresses", () => {
    expect(linesOf(base + closed + web)).toEqual([]);
    const elsewhere = site.replace('":8080"', '"10.16.8.10:8080"');
    expect(linesOf(base + closed + elsewhere)).toEqual([]);
  });

  test("is refused where a listener answers on the addresses", () => {
    expect(linesOf(base + closed + site)).toEqual([
      '17:10 vip "public".accept: drops packets to the addresses of "public", and [[listener]] "http" in line 18 answers on them; write accept = true, or give the listener an address of its own or the vips that it is for',
    ]);
  });

  test("is refused where it is written, in [cluster] too, and where strict implies it", () => {
    const above = base.replace("[[node]]", "accept = false\n[[node]]");
    expect(linesOf(above + vip + site)[0]).toStartWith(
      '4:10 cluster.accept: drops packets to the addresses of "public"',
    );
    const strict = base.replace("[[node]]", "strict = true\nvirtual_mac = true\n[[node]]");
    expect(linesOf(strict + vip + site)[0]).toStartWith(
      '4:10 cluster.strict: means accept = false, which drops packets to the addresses of "public"',
    );
    expect(linesOf(strict.replace("vrrp_version = 2\n", "") + vip + "accept = true\n" + site)).toEqual([]);
  });

  test("is refused with a service that this node relays, and with a server that is a load balancer", () => {
    const relayed = web.replace('"dr"', '"proxy"');
    expect(linesOf(base + closed + relayed)[0]).toContain(
      '[[service]] "web" in line 18 answers on them; write accept = true, or forward = "dr" in the service',
    );
    const sorry = web.replace("port = 80", 'port = 80\nsorry = "127.0.0.1:80"');
    expect(linesOf(base + closed + sorry)[0]).toContain(
      'and 127.0.0.1, a server of [[service]] "web" in line 18',
    );
  });
});
