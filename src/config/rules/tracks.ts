import type { TrackConfig } from "../config.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import type { TrackEntry } from "../schema/track.ts";
import type { TrackElement, TrackKind } from "../tracks/kind.ts";
import { kindsIn, trackKinds } from "../tracks/kinds.ts";

/** Tracks have one subject and only its keys, can run in time and can move something. */
export function trackRules(model: Model): readonly Finding[] {
  return model.sections.tracks.flatMap((element, index) => {
    const track = model.tracks[index];
    const [kind, ...others] = kindsIn(element.value);
    if (kind === undefined || others.length > 0 || track === undefined) return subjectFindings(element);
    const wrong = [...strangeKeys(element, kind), ...weightFindings(element, track)];
    return [
      ...wrong,
      ...kind.rules(element, model),
      ...(wrong.length > 0
        ? []
        : [...powerFindings(track, element, model), ...ceilingFindings(track, element, model)]),
    ];
  });
}

const everywhere: readonly (keyof TrackEntry)[] = ["name", "weight", "vips"];

function subjectFindings({ value, path }: TrackElement): readonly Finding[] {
  const given = kindsIn(value).map(({ subject }) => subject);
  const all = trackKinds.map(({ subject }) => subject);
  const remedy = `write exactly one of ${listed(all, "and")}, and a [[track]] for each`;
  const [, second] = given;
  return second === undefined
    ? [errorAt(path, "tracks nothing", remedy)]
    : [errorAt([...path, second], `${given.join(" and ")} stand in one table`, remedy)];
}

/** Keys that mean nothing for this subject are mistakes: a debounced script would be `rise` and `fall`. */
function strangeKeys({ value, path }: TrackElement, kind: TrackKind): readonly Finding[] {
  const known = new Set([...everywhere, kind.subject, ...kind.keys]);
  const keys = Object.keys(value) as (keyof TrackEntry)[];
  const strange = keys.filter((key) => value[key] !== null && !known.has(key));
  return strange.map((key): Finding => {
    const owners = trackKinds.filter(({ keys: own }) => own.includes(key)).map(({ subject }) => subject);
    const what = `means something with ${listed(owners, "or")} only`;
    return { severity: "error", path: [...path, key], what, remedy: "remove it", pointsAtKey: true };
  });
}

function listed(words: readonly string[], conjunction: "and" | "or"): string {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} ${conjunction} ${words.at(-1)}`;
}

function weightFindings({ value, path }: TrackElement, track: TrackConfig): readonly Finding[] {
  const { weight } = value;
  const at = [...path, "weight"];
  if (track.kind === "file") {
    if (Math.abs(weight) <= 254) return [];
    const what = `${weight} is not between -254 and 254`;
    return [errorAt(at, what, "write weight = -1 to subtract the file's number")];
  }
  if (Math.abs(weight) <= 253) return [];
  const example = "weight = -10 to lower the priority, or weight = 0 to withdraw the claim";
  return [errorAt(at, `${weight} is not between -253 and 253`, `write ${example}`)];
}

/** What would raise a priority above the highest does nothing, and two nodes raised to it are equal. */
function ceilingFindings(
  track: TrackConfig,
  { value, path }: TrackElement,
  model: Model,
): readonly Finding[] {
  if (track.kind === "file" || value.weight <= 0) return [];
  const raised = (resolved: Resolved): number =>
    weightsOf(resolved, model).reduce((sum, weight) => sum + Math.max(0, weight), 0);
  const high = model.instances.find((resolved) => {
    const { members, tracks } = resolved.config;
    const highest = Math.max(0, ...members.map(({ priority }) => (priority === 255 ? 0 : priority)));
    return tracks.includes(track.name) && highest + raised(resolved) > 254;
  });
  if (high === undefined) return [];
  const what = `${raised(high)} would raise "${high.config.name}" above 254, the highest priority`;
  const remedy = "write a weight below 0, which counts while the track fails";
  return [errorAt([...path, "weight"], what, remedy)];
}

function powerFindings(track: TrackConfig, { value, path }: TrackElement, model: Model): readonly Finding[] {
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
  const weights = weightsOf(resolved, model);
  // A weight of 0 withdraws the claim, which moves anything.
  const swing = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  return !weights.includes(0) && swing <= smallestGap(resolved);
}

/** The weights of a router's tracks; what a file's number is worth shows only when it is there. */
function weightsOf({ config }: Resolved, model: Model): readonly number[] {
  return model.tracks
    .filter((track) => track.kind !== "file" && config.tracks.includes(track.name))
    .map(({ weight }) => weight);
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
