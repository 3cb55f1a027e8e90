const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3

/** Makes a Sec-WebSocket-Key: 16 octets that nobody can guess (RFC 6455 §4.1). */
export function newWebSocketKey(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
}

/** Gives the Sec-WebSocket-Accept that answers a key (RFC 6455 §4.2.2). */
export function webSocketAccept(key: string): string {
  return new Bun.CryptoHasher("sha1").update(`${key}${guid}`).digest("base64");
}
