import type { GrpcCheck } from "../check-plan.ts";
import { flag, orElse, orNull, text } from "../schema/fields.ts";
import { hostField } from "./http.ts";
import type { Conflict, Keys } from "./keys.ts";
import { tlsConflict, tlsKeys, tlsOf, tlsWords, type TlsEntry } from "./tls.ts";

/** `check = { type = "grpc", … }`: the protocol grpc.health.v1. */

/** The keys as the file has them. */
export interface GrpcEntry extends TlsEntry {
  readonly service: string | null;
  readonly host: string | null;
  readonly tls: boolean;
}

/** The keys of a gRPC check. */
export const grpcKeys: Keys<GrpcEntry> = {
  service: orNull(text('service = "shop.Orders"')),
  host: orNull(hostField),
  tls: orElse(flag("tls = true"), false),
  ...tlsKeys,
};

/** Reads a gRPC check. */
export function readGrpc(entry: GrpcEntry): GrpcCheck {
  const { service, host: authority } = entry;
  const tls = entry.tls ? tlsOf(entry, authority) : null;
  return { kind: "grpc", service: service ?? "", host: authority, tls };
}

/** Finds keys of TLS where there is none. */
export function grpcConflict(entry: GrpcEntry): Conflict | null {
  return entry.tls ? null : tlsConflict(entry, "tls");
}

/** Writes what tells a gRPC check from others. */
export function grpcWords({ service, host: authority, tls }: GrpcCheck): readonly string[] {
  return [
    ...(service === "" ? [] : [service]),
    ...(authority === null ? [] : [`host ${authority}`]),
    ...(tls === null ? [] : ["TLS", ...tlsWords(tls, authority)]),
  ];
}
