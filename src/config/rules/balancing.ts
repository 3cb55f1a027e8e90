import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { ServiceEntry, ServiceServerEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";

/** What balancing can be, by the kernel and by the relay alike. */

/** Finds thresholds of a server that contradict each other. */
export function thresholdFindings(server: ServiceServerEntry, place: KeyPath): readonly Finding[] {
  const { upper_threshold: upper, lower_threshold: lower } = server;
  if (lower === 0 || lower < upper) return [];
  const what =
    upper === 0
      ? "a lower threshold means nothing without an upper one"
      : `the lower threshold ${lower} is not below the upper one, ${upper}`;
  return [
    errorAt(
      [...place, "lower_threshold"],
      what,
      upper === 0 ? "write upper_threshold too" : `write less than ${upper}`,
    ),
  ];
}

/** Finds settings of a scheduler that has none. */
export function schedulerFlagFindings({ value, path }: Element<ServiceEntry>): readonly Finding[] {
  const { scheduler, scheduler_flags: flags } = value;
  if (flags.length === 0 || scheduler === "sh" || scheduler === "mh") return [];
  const what = `only the schedulers "sh" and "mh" have settings, "${scheduler}" has none`;
  return [errorAt([...path, "scheduler_flags"], what, 'remove it, or write scheduler = "mh"')];
}
