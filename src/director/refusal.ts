import { errorText, hasCode } from "../base/system-error.ts";
import type { Step } from "./plan.ts";

const withoutIpvs = [
  'this kernel has no IPVS, which forward = "dr" needs;',
  "load it with `modprobe ip_vs` (the module comes with the distribution's full kernel package, on Debian linux-image-amd64),",
  'or write forward = "proxy" for the service to relay its connections without the kernel',
].join(" ");

const withoutRight =
  "the kernel does not let this process change IPVS: it needs CAP_NET_ADMIN; run it as root or give it the capability";

/** Says why the kernel's table cannot be opened, and what to do about it. PURE. */
export function openRefusal(error: unknown): string {
  if (hasCode(error, "ENOENT")) return withoutIpvs;
  if (hasCode(error, "EPERM", "EACCES")) return withoutRight;
  return `the kernel's IPVS table cannot be opened: ${errorText(error)}`;
}

/** Says why a step failed, and what to do about it where that is known. PURE. */
export function stepRefusal(step: Step, error: unknown): string {
  if (hasCode(error, "EPERM")) return withoutRight;
  const sets = step.kind === "addService" || step.kind === "setService";
  if (!sets || !hasCode(error, "ENOENT")) return errorText(error);
  const { scheduler } = step.service;
  return `this kernel has no scheduler ${scheduler}; load it with \`modprobe ip_vs_${scheduler}\``;
}
