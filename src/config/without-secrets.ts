import type { UpstreamPlan } from "./http-plan.ts";
import type { HmacPlan, NodePlan, VrrpInstancePlan } from "./node-plan.ts";

const hidden = "…";

/** Gives a plan fit to be shown: passwords and keys are an ellipsis each, everything else is as it was. */
export function withoutSecrets(plan: NodePlan): NodePlan {
  return {
    ...plan,
    vrrp: { ...plan.vrrp, instances: plan.vrrp.instances.map(openInstance) },
    proxy: { ...plan.proxy, upstreams: plan.proxy.upstreams.map(openUpstream) },
  };
}

function openUpstream(upstream: UpstreamPlan): UpstreamPlan {
  const { sticky } = upstream;
  return sticky === null ? upstream : { ...upstream, sticky: { ...sticky, secret: hidden } };
}

function openInstance(instance: VrrpInstancePlan): VrrpInstancePlan {
  const { password, hmac } = instance;
  return Object.assign({}, instance, {
    password: password === null ? null : hidden,
    hmac: hmac === null ? null : openHmac(hmac),
  });
}

function openHmac(hmac: HmacPlan): HmacPlan {
  return { ...hmac, keys: hmac.keys.map(({ id }) => ({ id, hex: hidden })) };
}
