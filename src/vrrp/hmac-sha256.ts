/** Computes HMAC-SHA256 with the runtime's own implementation; 32 bytes. */
export function hmacSha256(key: Uint8Array, text: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha256", key).update(text).digest();
}
