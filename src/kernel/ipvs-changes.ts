import { unreachable } from "../base/assert.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import {
  formatKey,
  ipvsCommand,
  keyAttribute,
  serverAttribute,
  serverKeyAttribute,
  serviceAttribute,
  type IpvsKey,
  type IpvsServer,
  type IpvsService,
} from "./ipvs-messages.ts";

/** PURE: changes of the service table and the requests that make them. */

/** One change; a service is added and changed without regard to its servers. */
export type IpvsChange =
  | { readonly kind: "addService"; readonly service: IpvsService }
  | { readonly kind: "setService"; readonly service: IpvsService }
  | { readonly kind: "removeService"; readonly key: IpvsKey }
  | { readonly kind: "addServer"; readonly key: IpvsKey; readonly server: IpvsServer }
  | { readonly kind: "setServer"; readonly key: IpvsKey; readonly server: IpvsServer }
  | { readonly kind: "removeServer"; readonly key: IpvsKey; readonly server: Endpoint };

/** What a change is to the kernel; `operation` is for errors. */
export interface ChangeMessage {
  readonly operation: string;
  readonly command: number;
  readonly attributes: readonly Uint8Array[];
}

/** Writes the request that makes a change. */
export function changeMessage(change: IpvsChange): ChangeMessage {
  switch (change.kind) {
    case "addService":
      return ofService("NEW", ipvsCommand.newService, change.service);
    case "setService":
      return ofService("SET", ipvsCommand.setService, change.service);
    case "removeService": {
      const operation = `IPVS_CMD_DEL_SERVICE ${formatKey(change.key)}`;
      return { operation, command: ipvsCommand.delService, attributes: [keyAttribute(change.key)] };
    }
    case "addServer":
      return ofServer("NEW", ipvsCommand.newServer, change, serverAttribute(change.server));
    case "setServer":
      return ofServer("SET", ipvsCommand.setServer, change, serverAttribute(change.server));
    case "removeServer":
      return ofServer("DEL", ipvsCommand.delServer, change, serverKeyAttribute(change.server));
    default:
      return unreachable(change);
  }
}

function ofService(verb: string, command: number, service: IpvsService): ChangeMessage {
  const operation = `IPVS_CMD_${verb}_SERVICE ${formatKey(service.key)}`;
  return { operation, command, attributes: [serviceAttribute(service)] };
}

function ofServer(
  verb: string,
  command: number,
  { key, server }: { readonly key: IpvsKey; readonly server: Endpoint },
  attribute: Uint8Array,
): ChangeMessage {
  const operation = `IPVS_CMD_${verb}_DEST ${formatEndpoint(server)} of ${formatKey(key)}`;
  return { operation, command, attributes: [keyAttribute(key), attribute] };
}
