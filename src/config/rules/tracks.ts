import type { TrackConfig } from "../config.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import type { TrackEntry } from "../schema/vrrp.ts";
import type { Element } from "../sections.ts";
import { formatDuration } from "../units.ts";

/** Tracks have one subject and only its keys, can run in time and can move something. */
export function trackRules(model: Model): readonly Finding[] {
  return model.sections.tracks.flatMap((element, index) => {
    const track = model.tracks[index];
    if (track === undefined) return [];
    const subjects = subjectFindings(element);
    if (subjects.length > 0) return subjects;
    const wrong = [...strangeKeys(element), ...weightFindings(element)];
    return [
      ...wrong,
      ...timingFindings(element),
      ...(wrong.length > 0 ? [] : powerFindings(track, element, model)),
    ];
  });
}

type TrackElement = Element<TrackEntry>;

const subjects = ["script", "interface", "file"] as const;
const keysOf: Readonly<Record<(typeof subjects)[number], readonly (keyof TrackEntry)[]>> = {
  script: ["interval", "timeout", "rise", "fall", "user"],
  interface: ["up_delay", "down_delay"],
  file: [],
};

function subjectFindings({ value, path }: TrackElement): readonly Finding[] {
  const given = subjects.filter((subject) => value[subject] !== null);
  if (given.length === 1) return [];
  const remedy = "write exactly one of script, interface and file, and a [[track]] for each";
  const [, second] = given;
  return second === undefined
    ? [errorAt(path, "tracks nothing", remedy)]
    : [errorAt([...path, second], `${given.join(" and ")} stand in one table`, remedy)];
}

/** Keys that mean nothing for this subject are mistakes: a debounced script would be `rise` and `fall`. */
function strangeKeys({ value, path }: TrackElement): readonly Finding[] {
  return subjects.flatMap((subject) => {
    if (value[subject] !== null) return [];
    const strange = keysOf[subject].filter((key) => value[key] !== null);
    return strange.map((key): Finding => {
      const what = `means something with ${subject} only`;
      return { severity: "error", path: [...path, key], what, remedy: "remove it", pointsAtKey: true };
    });
  });
}

function weightFindings({ value, path }: TrackElement): readonly Finding[] {
  const { weight } = value;
  const at = [...path, "weight"];
  if (value.file !== null) {
    if (Math.abs(weight) <= 254) return [];
    return [
      errorAt(at, `${weight} is not between -254 and 254`, "write weight = -1 to subtract the file's number"),
    ];
  }
  if (weight > 0) {
    const what = `${weight} would raise the priority, and this version only lowers it`;
    const remedy = value.script === null ? "" : " and let the script fail when the node is unfit";
    return [errorAt(at, what, `write weight = -${Math.min(weight, 253)}${remedy}`)];
  }
  if (weight >= -253) return [];
  const example = "weight = -10 to lower the priority, or weight = 0 to withdraw the claim";
  return [errorAt(at, `${weight} is below -253`, `write ${example}`)];
}

function timingFindings({ value, path }: TrackElement): readonly Finding[] {
  const interval = value.interval ?? 1000;
  if (value.script === null || value.timeout === null || value.timeout <= interval) return [];
  const what = `${formatDuration(value.timeout)} is longer than the interval of ${formatDuration(interval)}: runs would be left out`;
  return [warningAt([...path, "timeout"], what, `write timeout = "${formatDuration(interval)}" or less`)];
}

function powerFindings(track: TrackConfig, { value, path }: TrackElement, model: Model): readonly Finding[] {
  // What a file's number is worth shows only when it is there.
  if (track.kind === "file") return [];
  const still = model.instances.find((resolved) => isPowerless(resolved, track.name, model));
  if (still === undefined) return [];
  const gap = smallestGap(still);
  const what = `${value.weight} does not take "${still.config.name}" below its second node, which is ${gap} lower`;
  const remedy = `write weight = -${gap + 1} or lower, or weight = 0 to withdraw the claim`;
  return [warningAt([...path, "weight"], what, remedy)];
}

/** Tells whether this track and all others of a router together leave the first node ahead of the second. */
function isPowerless(resolved: Resolved, name: string, model: Model): boolean {
  const { tracks, members } = resolved.config;
  if (!tracks.includes(name) || members.length < 2) return false;
  const weights = model.tracks
    .filter((track) => track.kind !== "file" && tracks.includes(track.name))
    .map(({ weight }) => weight);
  // A weight of 0 withdraws the claim, which moves anything.
  return !weights.includes(0) && -weights.reduce((sum, weight) => sum + weight, 0) <= smallestGap(resolved);
}

/** The difference between the first two nodes of a router. */
function smallestGap(resolved: Resolved): number {
  const [first = 0, second = 0] = resolved.config.members
    .map(({ priority }) => priority)
    .sort((a, b) => b - a);
  return first - second;
}

/** A track that nothing depends on is never run. */
export function idleTracks(model: Model): readonly Finding[] {
  return model.sections.tracks.flatMap(({ path }, index) => {
    const track = model.tracks[index];
    if (track === undefined || model.instances.some(({ config }) => config.tracks.includes(track.name)))
      return [];
    return [
      warningAt(
        path,
        "no [[vip]] or [[vrrp]] depends on it, so it is not run",
        "remove it, or widen its vips",
      ),
    ];
  });
}

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
