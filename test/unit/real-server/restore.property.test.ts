import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { undo } from "../../../src/real-server/steps.ts";
import { requiredSysctls } from "../../../src/real-server/table.ts";
import { tunnelLinks, tunnelPorts, type TunnelPort } from "../../../src/real-server/tunnels.ts";
import { forms, Machine, type Command, type Initial } from "./machine.ts";

/** Whatever was there at first is there after the last `stop`, whatever was started in between and died on the way. */

function byAddress(a: { readonly address: string }, b: { readonly address: string }): number {
  return a.address.localeCompare(b.address);
}

function portText({ family, port }: TunnelPort): string {
  return `${family} ${port}`;
}

const pool4 = ["192.0.2.10", "192.0.2.11", "198.51.100.1", "203.0.113.9"];
const pool6 = ["2001:db8::10", "2001:db8::11"];
const vips = fc.subarray([...pool4, ...pool6], { minLength: 1 });
const tunnels = fc.subarray(["ipip", "gre+csum", "gue:6080", "ipip/6", "gre/6", "gue:6080/6", "gue:9999"]);
const wish = fc.record({ vips, tunnels });
const initial: fc.Arbitrary<Initial> = fc.record({
  addresses: fc.uniqueArray(
    fc.oneof(
      fc.record({
        address: fc.constantFrom(...pool4),
        prefixLength: fc.constantFrom(24, 32),
        label: fc.constantFrom("lo", "lo:0", "lo:1"),
        isTagged: fc.constant(false),
      }),
      fc.record({
        address: fc.constantFrom(...pool6),
        prefixLength: fc.constantFrom(64, 128),
        label: fc.constant(null),
        isTagged: fc.constant(false),
      }),
    ),
    { selector: (one) => `${one.address}/${one.prefixLength}` },
  ),
  routes: fc.subarray(pool4),
  values: fc.array(fc.constantFrom("0", "1", "2", "3", "8"), { minLength: 4, maxLength: 4 }),
  tags: fc.boolean(),
  isSharedLinkUp: fc.boolean(),
  ports: fc.subarray([
    { family: 4, port: 6080 } as const,
    { family: 6, port: 6080 } as const,
    { family: 4, port: 1 } as const,
  ]),
});
const command: fc.Arbitrary<Command> = fc.record({
  vips: fc.option(vips),
  tunnels,
  diesAt: fc.option(fc.nat({ max: 16 })),
  spoils: fc.boolean(),
});
const stop: Command = { vips: null, tunnels: [], diesAt: null, spoils: false };

test("stop restores what was there at first after any starts, stops and crashes", () => {
  fc.assert(
    fc.property(initial, fc.array(command, { maxLength: 6 }), (initial, commands) => {
      const machine = new Machine(initial);
      const before = machine.state();
      for (const one of commands) machine.run(one);
      machine.run(stop);
      expect(machine.state()).toEqual(before);
      expect(machine.file).toBeNull();
    }),
    { numRuns: 500 },
  );
});

test("start brings about what is wished after any starts, stops and crashes, and again plans nothing", () => {
  fc.assert(
    fc.property(
      initial,
      fc.array(command, { maxLength: 4 }),
      vips,
      tunnels,
      (initial, commands, wanted, words) => {
        const machine = new Machine(initial);
        const before = machine.state();
        for (const one of commands) machine.run(one);
        const last: Command = { vips: wanted, tunnels: words, diesAt: null, spoils: false };
        machine.run(last);
        const { addresses, routes, sysctls, links, ports } = machine.state();
        for (const vip of wanted) {
          const length = vip.includes(":") ? 128 : 32;
          expect(addresses.some((one) => one.address === vip && one.prefixLength === length)).toBe(true);
          expect(routes.some((one) => one.address === vip)).toBe(length === 32);
        }
        const hasIpv4 = wanted.some((vip) => !vip.includes(":"));
        for (const { path, value } of requiredSysctls) {
          expect(sysctls.get(path)).toBe(hasIpv4 ? value : before.sysctls.get(path));
        }
        const own = links.filter(({ isReady }) => isReady).map(({ name }) => name);
        const needed = tunnelLinks(forms(words), wanted).map(({ name }) => name);
        const kept = initial.isSharedLinkUp ? ["sit0"] : [];
        expect(new Set(own)).toEqual(new Set([...needed, ...kept]));
        const portsNeeded = [...initial.ports, ...tunnelPorts(forms(words))];
        expect(new Set(ports.map(portText))).toEqual(new Set(portsNeeded.map(portText)));
        expect(machine.file?.vips.map((vip) => vip.address)).toEqual(wanted);
        const file = machine.file;
        expect(machine.run(last)).toBe(0);
        expect(machine.file).toEqual(file);
      },
    ),
    { numRuns: 500 },
  );
});

test("taking a start back in reverse leaves what was there before it", () => {
  fc.assert(
    fc.property(initial, wish, wish, (initial, first, second) => {
      const machine = new Machine(initial);
      machine.run({ ...first, diesAt: null, spoils: false });
      const before = machine.state();
      const { steps } = machine.plan({ vips: second.vips, tunnels: forms(second.tunnels) });
      for (const step of steps) machine.perform(step);
      for (const step of steps.toReversed()) machine.perform(undo(step));
      const after = machine.state();
      expect(after.sysctls).toEqual(before.sysctls);
      expect([...after.addresses].sort(byAddress)).toEqual([...before.addresses].sort(byAddress));
      expect([...after.routes].sort(byAddress)).toEqual([...before.routes].sort(byAddress));
      expect(new Set(after.links)).toEqual(new Set(before.links));
      expect(new Set(after.ports)).toEqual(new Set(before.ports));
    }),
  );
});
