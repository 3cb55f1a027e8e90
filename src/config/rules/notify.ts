import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";

/** `[notify]` without anybody to tell is a slip. */
export function notifyRules(model: Model): readonly Finding[] {
  const { notify } = model.sections;
  if (notify === null) return [];
  const { script, fifo, user } = notify.value;
  if (script === null && fifo === null) {
    return [
      errorAt(
        notify.path,
        "tells nobody",
        'write script = "/usr/local/bin/notify" or fifo = "/run/edge-ha/notify"',
      ),
    ];
  }
  if (script !== null || user === null) return [];
  return [
    warningAt([...notify.path, "user"], "means something with script only", "remove it, or write script"),
  ];
}
