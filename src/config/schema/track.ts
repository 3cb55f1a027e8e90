import { z } from "zod";
import type { Prefix } from "../../base/address.ts";
import type { GatewayTrackPlan } from "../track-plan.ts";
import {
  address,
  choice,
  command,
  duration,
  filePath,
  flag,
  integer,
  interfaceName,
  name,
  names,
  orElse,
  orNull,
  table,
  text,
  wants,
} from "./fields.ts";
import { routeDestination, routingTable } from "./holdings.ts";

/** `[[track]]`: what changes the node's claim; exactly one of the subjects (src/config/tracks) is given. */
export interface TrackEntry {
  readonly name: string | null;
  readonly script: readonly string[] | null;
  readonly interface: string | null;
  readonly file: string | null;
  readonly process: string | null;
  readonly gateway: string | null;
  readonly service: string | null;
  readonly upstream: string | null;
  readonly bfd: string | null;
  readonly route: Prefix | "default" | null;
  readonly table: number | string | null;
  readonly via: string | null;
  readonly interval: number | null;
  readonly timeout: number | null;
  readonly jitter: number | null;
  readonly rise: number | null;
  readonly fall: number | null;
  readonly up_delay: number | null;
  readonly down_delay: number | null;
  readonly arguments: readonly string[] | null;
  readonly at_least: number | null;
  readonly method: GatewayTrackPlan["method"] | null;
  readonly user: string | null;
  readonly reverse: boolean | null;
  readonly weight: number;
  readonly vips: readonly string[] | null;
}

const weightExample = "weight = -10 to lower the priority, or weight = 0 to withdraw the claim";

/** `[[track]]`. */
export const trackSchema: z.ZodType<TrackEntry> = table(
  {
    name: orNull(name("uplink")),
    script: orNull(command('script = "/usr/local/bin/check-uplink"')),
    interface: orNull(interfaceName()),
    file: orNull(filePath('file = "/run/maintenance"')),
    process: orNull(text('process = "haproxy"', 4095)),
    gateway: orNull(address('gateway = "192.0.2.1"')),
    service: orNull(text('service = "web"', 63)),
    upstream: orNull(text('upstream = "apps"', 63)),
    bfd: orNull(text('bfd = "gateway"', 63)),
    route: orNull(routeDestination('route = "198.51.100.0/24"')),
    table: orNull(routingTable),
    via: orNull(address('via = "192.0.2.1"')),
    interval: orNull(duration(100, 86_400_000, 'interval = "2s"')),
    timeout: orNull(duration(10, 86_400_000, 'timeout = "1s"')),
    jitter: orNull(duration(0, 86_400_000, 'jitter = "500ms"')),
    rise: orNull(integer(1, 255, "rise = 2")),
    fall: orNull(integer(1, 255, "fall = 2")),
    up_delay: orNull(duration(0, 86_400_000, 'up_delay = "5s"')),
    down_delay: orNull(duration(0, 86_400_000, 'down_delay = "1s"')),
    arguments: orNull(command('arguments = "-f /etc/haproxy.cfg"')),
    at_least: orNull(integer(1, 255, "at_least = 1")),
    method: orNull(choice(["neighbour", "ping"])),
    user: orNull(text('user = "nobody"', 32)),
    reverse: orNull(flag("reverse = true")),
    weight: orElse(z.int({ error: wants("a whole number", weightExample) }), 0),
    vips: orNull(names("vips", 1)),
  },
  "[[track]]",
);
