import type { Config } from "./config.ts";

/** Gives the addresses that `edge-ha rs` puts on a web server's `lo`: those of `[real_server]`, else of every service forwarded by direct routing. */
export function realServerVips(config: Config): readonly string[] {
  return config.realServer.addresses;
}
