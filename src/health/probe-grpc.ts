import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { formatEndpoint } from "../base/address.ts";
import { concatBytes } from "../base/bytes.ts";
import type { GrpcCheck, ProbeTiming } from "../config/check-plan.ts";
import type { ByteStream } from "./byte-stream.ts";
import { askedAt, dial } from "./dial.ts";
import { readHealthReply, writeHealthRequest } from "./grpc-message.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { startTls } from "./tls-stream.ts";
import type { Deadline } from "./deadline.ts";

const mostReplyBytes = 16_384;

/** Asks for the health of a service by grpc.health.v1; the result is that it serves, a failure is thrown. */
export async function probeGrpc(probe: ProbeTiming & GrpcCheck, deadline: Deadline): Promise<string> {
  const socket = await dial(probe, deadline);
  let session: ClientHttp2Session | null = null;
  try {
    const stream = probe.tls === null ? socket : await secured(socket, probe.tls, askedAt(probe).address);
    session = connect(
      `${probe.tls === null ? "http" : "https"}://${probe.host ?? formatEndpoint(askedAt(probe))}`,
      {
        createConnection: () => new StreamDuplex(stream),
      },
    );
    return judge(await ask(session, probe, deadline));
  } finally {
    session?.destroy();
    socket.reset();
  }
}

async function secured(
  socket: ByteStream,
  tls: NonNullable<GrpcCheck["tls"]>,
  address: string,
): Promise<ByteStream> {
  const stream = await startTls(socket, tls, { address, protocols: ["h2"] });
  if (stream.protocol !== "h2") throw new Error("server does not speak HTTP/2 over TLS");
  return stream;
}

interface Reply {
  readonly httpStatus: number | null;
  /** The gRPC status, or null if the server said none. */
  readonly status: number | null;
  readonly message: string;
  readonly body: Uint8Array;
}

function ask(
  session: ClientHttp2Session,
  { service, target, host }: ProbeTiming & GrpcCheck,
  deadline: Deadline,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    deadline.onOver(() => reject(new Error("given up")));
    session.on("error", reject);
    session.on("close", () => reject(new Error("connection closed before the answer was complete")));
    const request = session.request({
      ":method": "POST",
      ":authority": host ?? formatEndpoint(target),
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "edge-ha",
    });
    let fields: IncomingHttpHeaders = {};
    let body: Uint8Array = new Uint8Array(0);
    let httpStatus: number | null = null;
    request.on("response", (headers) => {
      httpStatus = headers[":status"] ?? 0;
      fields = headers;
    });
    request.on("trailers", (trailers) => (fields = { ...fields, ...trailers }));
    request.on("data", (bytes: Uint8Array) => {
      body = concatBytes(body, bytes);
      if (body.length > mostReplyBytes) reject(new Error("answer has no end"));
    });
    request.on("error", reject);
    request.on("end", () => {
      const status = fields["grpc-status"];
      const message = String(fields["grpc-message"] ?? "");
      resolve({ httpStatus, status: status === undefined ? null : Number(status), message, body });
    });
    request.end(writeHealthRequest(service));
  });
}

const grpcStatuses: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

function judge({ httpStatus, status, message, body }: Reply): string {
  if (httpStatus !== 200) throw new Error(`HTTP status ${httpStatus ?? "missing"}, want 200`);
  if (status !== null && status !== 0) {
    const said = message === "" ? "" : ` (${message.slice(0, 80)})`;
    throw new Error(`gRPC status ${grpcStatuses[status] ?? status}${said}`);
  }
  const health = readHealthReply(body);
  if (health !== "SERVING") throw new Error(`service says ${health}`);
  return health;
}
