/** Beginnings of the PROXY protocol that all who speak it share; who writes and reads whom a header is about is in src/proxy. PURE. */

/** What version 2 begins with, `\r\n\r\n\0\r\nQUIT\n`: no beginning of anything that a server speaks (protocol text §2.2). */
export const proxySignature: Uint8Array = Uint8Array.from([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);

/** Version of the protocol: as a text, or in binary. */
export type ProxyProtocolVersion = "v1" | "v2";

/** Gives the header of a connection that a balancer makes for itself: the server is to take its ends as they are. */
export function ownProxyHeader(version: ProxyProtocolVersion): Uint8Array {
  // §2.1: UNKNOWN; §2.2: version 2, command LOCAL, of no family and with nothing behind it.
  return version === "v1"
    ? new TextEncoder().encode("PROXY UNKNOWN\r\n")
    : Uint8Array.from([...proxySignature, 0x20, 0, 0, 0]);
}
