import { instancePlan, type InstanceWish, vrrpPlan } from "../../support/vrrp-plans.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type Host, Lab } from "../../support/lab.ts";

/** The address the tests move. */
export const vip = "192.0.2.100";

/** Two hosts on one bridge, and a third that listens. */
export interface PairLab extends AsyncDisposable {
  readonly lab: Lab;
  readonly lb1: Host;
  readonly lb2: Host;
}

/** Makes the hosts, .10 and .11, each with eth0, and with eth1 on a second network if asked for. */
export async function pairLab(networks: 1 | 2 = 1): Promise<PairLab> {
  const lab = await Lab.create();
  for (let net = 0; net < networks; net++) await lab.bridge(`net${net}`);
  const links = (last: number): Record<string, { bridge: string; address: string }> =>
    Object.fromEntries(
      Array.from({ length: networks }, (_, net) => [
        `eth${net}`,
        { bridge: `net${net}`, address: `192.0.${2 + net}.${last}/24` },
      ]),
    );
  const lb1 = await lab.host("lb1", links(10));
  const lb2 = await lab.host("lb2", links(11));
  return { lab, lb1, lb2, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
}

/** A fast plan: version 3, 100 ms. */
export function fastPlan(wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ advertIntervalMs: 100, ...wish })]);
}
