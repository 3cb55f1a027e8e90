import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { ownNotifyScripts } from "../schema/notify.ts";

/** `[notify]`, or a `notify` of one router or group, without anybody to tell is a slip. */
export function notifyRules(model: Model): readonly Finding[] {
  return [...commonFindings(model), ...ownFindings(model)];
}

function ownFindings({ sections }: Model): readonly Finding[] {
  return [...sections.vips, ...sections.vrrps, ...sections.syncGroups].flatMap(({ value, path }) => {
    const { notify } = value;
    if (notify === null || ownNotifyScripts.some((key) => notify[key] !== null)) return [];
    const remedy = 'write script = "/usr/local/bin/notify", or master, backup, fault or stop';
    return [errorAt([...path, "notify"], "tells nobody", remedy)];
  });
}

function commonFindings(model: Model): readonly Finding[] {
  const { notify } = model.sections;
  if (notify === null) return [];
  const { script, fifo, user, services } = notify.value;
  if (script === null && fifo === null) {
    return [
      errorAt(
        notify.path,
        "tells nobody",
        'write script = "/usr/local/bin/notify" or fifo = "/run/edge-ha/notify"',
      ),
    ];
  }
  const findings: Finding[] = [];
  if (script === null && user !== null) {
    const what = "means something with script only";
    findings.push(warningAt([...notify.path, "user"], what, "remove it, or write script"));
  }
  if (services && model.sections.services.length + model.sections.upstreams.length === 0) {
    const what = "there is no service and no upstream to tell of";
    findings.push(warningAt([...notify.path, "services"], what, "remove it, or add a [[service]]"));
  }
  return findings;
}
