import type { Family } from "../base/address.ts";

/** PURE: how directors pack requests up for a web server, as one word such as `gue:6080/6`. */

/** One way of packing up. */
export interface TunnelForm {
  readonly type: "ipip" | "gre" | "gue";
  /** Family of the outer packet: that of the web server's own address. */
  readonly over: Family;
  /** UDP port of GUE, else null. */
  readonly port: number | null;
  /** GRE with checksums; GUE takes both kinds. */
  readonly hasChecksum: boolean;
}

/** What a tunnel's word looks like, for messages. */
export const tunnelExamples =
  "ipip, gre, gre+csum or gue:6080, each with /6 behind it for servers with IPv6 addresses";

/** Reads a tunnel's word; null if it is none. */
export function readTunnel(word: string): TunnelForm | null {
  const parts = /^(?:(ipip)|(gre)(\+csum)?|(gue):(\d{1,5}))(\/6|\/4)?$/.exec(word);
  if (parts === null) return null;
  const [, ipip, gre, csum, gue, digits, family] = parts;
  const over = family === "/6" ? 6 : 4;
  if (gue !== undefined) {
    const port = Number(digits);
    return port < 1 || port > 65_535 ? null : { type: "gue", over, port, hasChecksum: false };
  }
  const hasChecksum = csum !== undefined;
  return { type: ipip === undefined && gre !== undefined ? "gre" : "ipip", over, port: null, hasChecksum };
}

/** Writes a tunnel's word. */
export function formatTunnel({ type, over, port, hasChecksum }: TunnelForm): string {
  return `${type}${hasChecksum ? "+csum" : ""}${port === null ? "" : `:${port}`}${over === 6 ? "/6" : ""}`;
}

/** Says why tunnels cannot be taken together, or null: a machine unpacks GRE either with checksums or without. */
export function tunnelConflict(tunnels: readonly TunnelForm[]): string | null {
  for (const over of [4, 6] as const) {
    const gre = tunnels.filter((one) => one.type === "gre" && one.over === over);
    if (gre.some((one) => one.hasChecksum) && gre.some((one) => !one.hasChecksum)) {
      return "GRE is unpacked either with checksums or without: name one of them";
    }
  }
  return null;
}
