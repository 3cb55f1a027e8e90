import { unreachable } from "../base/assert.ts";
import type { RouteTrackPlan, ScriptTrackPlan, TrackDelays, TrackPlan, TrackRhythm } from "./track-plan.ts";
import { formatDuration } from "./units.ts";

/** Says what a track means for a virtual router that depends on it. */
export function trackNote(name: string, tracks: readonly TrackPlan[]): string {
  const track = tracks.find((one) => one.name === name);
  if (track === undefined) return "";
  const { weight } = track;
  if (track.kind === "file") {
    return weight === 0 ? `withdrawn while ${name} is not 0` : `${name} times ${weight} added`;
  }
  const fails = track.reverse ? "is well" : "fails";
  const isWell = track.reverse ? "fails" : "is well";
  if (weight === 0) return `withdrawn while ${name} ${fails}`;
  return weight < 0 ? `${weight} while ${name} ${fails}` : `+${weight} while ${name} ${isWell}`;
}

/** Says what a track follows. */
export function trackLine(track: TrackPlan): string {
  return `${track.name}: ${trackText(track)}`;
}

function trackText(track: TrackPlan): string {
  switch (track.kind) {
    case "script":
      return `${programText(track)}, ${rhythmText(track)}${jitterText(track)}`;
    case "interface":
      return `interface ${track.interface}, ${delaysText(track)}`;
    case "file":
      return `the number in ${track.path}`;
    case "process": {
      const words = programText({ command: [track.process, ...track.arguments], user: null });
      return `at least ${track.atLeast} of process ${words}, ${delaysText(track)}`;
    }
    case "gateway": {
      const how = track.method === "ping" ? "answers to ping" : "answers as a neighbour";
      const where = track.interface === null ? "" : ` on ${track.interface}`;
      return `${track.address} ${how}${where}, ${rhythmText(track)}`;
    }
    case "servers": {
      const { subject, servers, atLeast } = track;
      return `at least ${atLeast} of ${servers.length} healthy in ${subject}, ${delaysText(track)}`;
    }
    case "bfd":
      return `bfd ${track.session}, ${delaysText(track)}`;
    case "route":
      return `${routeWords(track)}, ${delaysText(track)}`;
    default:
      return unreachable(track);
  }
}

/** Writes a program as one would type it, and whom it runs as. */
export function programText({ command, user }: Pick<ScriptTrackPlan, "command" | "user">): string {
  const words = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  return user === null ? words.join(" ") : `${words.join(" ")} as ${user}`;
}

function rhythmText({ intervalMs, timeoutMs, rise, fall }: TrackRhythm): string {
  return `every ${formatDuration(intervalMs)}, timeout ${formatDuration(timeoutMs)}, rise ${rise}, fall ${fall}`;
}

/** In the words of `ip route`. */
function routeWords({ destination, via, interface: on, table }: RouteTrackPlan): string {
  const ways = [
    ...(via === null ? [] : [`via ${via}`]),
    ...(on === null ? [] : [`dev ${on}`]),
    ...(table === 254 ? [] : [`table ${table}`]),
  ];
  return ["route", `${destination.address}/${destination.length}`, ...ways].join(" ");
}

function jitterText({ jitterMs }: ScriptTrackPlan): string {
  return jitterMs === 0 ? "" : `, jitter ${formatDuration(jitterMs)}`;
}

function delaysText({ upDelayMs, downDelayMs }: TrackDelays): string {
  return `up after ${formatDuration(upDelayMs)}, down after ${formatDuration(downDelayMs)}`;
}
