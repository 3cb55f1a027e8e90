/** The two messages of grpc.health.v1's Check, in gRPC's framing. PURE. */

const healths: readonly string[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** Writes `HealthCheckRequest { service = 1 }`. */
export function writeHealthRequest(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  // A length of up to 255 letters takes one byte below 128 and two above.
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? [] : [0x0a, ...length, ...name];
  return Uint8Array.from([0, 0, 0, message.length >> 8, message.length & 0xff, ...message]);
}

/** Reads `HealthCheckResponse { status = 1 }` as the name of its status; throws if it is none. */
export function readHealthReply(bytes: Uint8Array): string {
  if (bytes.length < 5) throw new Error("answer is no health of grpc.health.v1");
  if (bytes[0] !== 0) throw new Error("answer is compressed, which was not asked for");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const message = bytes.subarray(5, 5 + length);
  // A status of 0 is left out.
  if (message.length === 0 && length === 0) return "UNKNOWN";
  const [tag, status] = message;
  if (message.length !== length || tag !== 0x08 || status === undefined)
    throw new Error("answer is no health of grpc.health.v1");
  return healths[status] ?? `status ${status}`;
}
