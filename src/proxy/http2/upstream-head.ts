import type { FieldTable } from "../http1/field-table.ts";
import { contentLength } from "../http1/lists.ts";
import { chunkedBody } from "../http1/request-head.ts";
import type { ResponseHead } from "../http1/response-head.ts";
import { webSocketAccept } from "../websocket-key.ts";
import type { Field } from "./hpack-decoder.ts";
import { isField } from "./request.ts";

const notSent: ReadonlySet<string> = new Set(["connection", "transfer-encoding", "upgrade", "te"]);

/** Gives the fields of a request that is written as HTTP/1.1 has it, as HTTP/2 has them (RFC 9113 §8.3.1); one for a WebSocket is an extended CONNECT (RFC 8441 §4). */
export function http2RequestFields(
  head: string,
  scheme: "http" | "https",
  protocol: "websocket" | null = null,
): Field[] {
  const [requestLine = "", ...lines] = head.split("\r\n");
  const methodEnd = requestLine.indexOf(" ");
  const target = requestLine.slice(methodEnd + 1, requestLine.lastIndexOf(" "));
  const rest: Field[] = [];
  let authority = "";
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "host") authority = value;
    else if (protocol !== null && name === "sec-websocket-key") continue;
    else if (!notSent.has(name)) rest.push({ name, value });
  }
  const method = protocol === null ? requestLine.slice(0, methodEnd) : "CONNECT";
  return [
    { name: ":method", value: method },
    ...(protocol === null ? [] : [{ name: ":protocol", value: protocol }]),
    { name: ":scheme", value: scheme },
    { name: ":authority", value: authority },
    { name: ":path", value: target },
    ...rest,
    // gRPC's servers want it said; what comes is dropped where the client does not take it.
    ...(protocol === null ? [{ name: "te", value: "trailers" }] : []),
  ];
}

/**
 * Writes a server's response head as HTTP/1.1 has it into `table`; a text says what is wrong with one that gets 502 (RFC 9113
 * §8.3.2). `isEnd` tells that no body follows. With `webSocketKey` a success is HTTP/1.1's 101 to that key (RFC 8441 §5).
 */
export function readHttp2Response(
  list: readonly Field[],
  table: FieldTable,
  o: { readonly method: string; readonly isEnd: boolean; readonly webSocketKey?: string | null },
): ResponseHead | string {
  const [first, ...fields] = list;
  if (first?.name !== ":status" || !/^[1-9][0-9][0-9]$/.test(first.value)) return "status";
  const key = o.webSocketKey ?? null;
  const isSwitch = key !== null && first.value.startsWith("2");
  const status = isSwitch ? 101 : Number(first.value);
  const lineEnds: number[] = [];
  let text = `HTTP/1.1 ${status} ${isSwitch ? "Switching Protocols" : ""}\r\n`;
  lineEnds.push(text.length);
  if (isSwitch) {
    for (const line of [
      "connection: upgrade",
      "upgrade: websocket",
      `sec-websocket-accept: ${webSocketAccept(key)}`,
    ]) {
      text += `${line}\r\n`;
      lineEnds.push(text.length);
    }
  }
  let declaredLength = -1;
  for (const field of fields) {
    if (!isField(field)) return "malformed field";
    if (field.name === "content-length") {
      const length = contentLength(field.value);
      if (length === null || (declaredLength >= 0 && length !== declaredLength)) return "content-length";
      declaredLength = length;
    }
    text += `${field.name}: ${field.value}\r\n`;
    lineEnds.push(text.length);
  }
  if (lineEnds.length > table.nameStart.length) return "too many fields";
  text += "\r\n";
  if (table.readText(text, lineEnds) !== null) return "malformed field";
  const hasBody = o.method !== "HEAD" && status !== 204 && status !== 304 && status >= 200;
  if (o.isEnd && hasBody && declaredLength > 0) return "content-length without a body";
  const bodyLength = !hasBody || o.isEnd ? 0 : declaredLength >= 0 ? declaredLength : chunkedBody;
  return {
    status,
    isHttp11: true,
    statusLineEnd: lineEnds[0] ?? 0,
    bodyLength,
    declaredLength,
    keepsAlive: true,
    upgrades: isSwitch,
    listed: [],
  };
}
