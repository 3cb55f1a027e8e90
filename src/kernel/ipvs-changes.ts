import { unreachable } from "../base/assert.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import {
  formatKey,
  ipvsCommand,
  writeKey,
  writeServerKey,
  writeService,
  type IpvsKey,
  type IpvsServer,
  type IpvsService,
} from "./ipvs-messages.ts";
import { ServersWriter } from "./ipvs-servers-writer.ts";
import type { AttributeWriter } from "./netlink/attribute-writer.ts";
import { genericPayload } from "./netlink/generic.ts";

/** PURE: changes of the service table and the requests that make them. */

/** One change; a service is added and changed without regard to its servers. */
export type IpvsChange =
  | { readonly kind: "addService"; readonly service: IpvsService }
  | { readonly kind: "setService"; readonly service: IpvsService }
  | { readonly kind: "removeService"; readonly key: IpvsKey }
  | { readonly kind: "addServer"; readonly key: IpvsKey; readonly server: IpvsServer }
  | { readonly kind: "setServer"; readonly key: IpvsKey; readonly server: IpvsServer }
  | { readonly kind: "removeServer"; readonly key: IpvsKey; readonly server: Endpoint };

/** Gives what writes the payload of the request that makes a change, for one change after the other. */
export function changesWriter(): (writer: AttributeWriter, change: IpvsChange) => void {
  const servers = new ServersWriter();
  return (writer, change) => writeChange(writer, change, servers);
}

function writeChange(writer: AttributeWriter, change: IpvsChange, servers: ServersWriter): void {
  writer.copy(headers[change.kind]);
  switch (change.kind) {
    case "addService":
    case "setService":
      writeService(writer, change.service);
      break;
    case "removeService":
      writeKey(writer, change.key);
      break;
    case "addServer":
    case "setServer":
      servers.writeKey(writer, change.key);
      servers.write(writer, change.server);
      break;
    case "removeServer":
      servers.writeKey(writer, change.key);
      writeServerKey(writer, change.server);
      break;
    default:
      return unreachable(change);
  }
}

/** Says what a change is, for errors. */
export function changeText(change: IpvsChange): string {
  const name = names[change.kind];
  switch (change.kind) {
    case "addService":
    case "setService":
      return `${name} ${formatKey(change.service.key)}`;
    case "removeService":
      return `${name} ${formatKey(change.key)}`;
    case "addServer":
    case "setServer":
    case "removeServer":
      return `${name} ${formatEndpoint(change.server)} of ${formatKey(change.key)}`;
    default:
      return unreachable(change);
  }
}

const headers: Readonly<Record<IpvsChange["kind"], Uint8Array>> = {
  addService: genericPayload(ipvsCommand.newService),
  setService: genericPayload(ipvsCommand.setService),
  removeService: genericPayload(ipvsCommand.delService),
  addServer: genericPayload(ipvsCommand.newServer),
  setServer: genericPayload(ipvsCommand.setServer),
  removeServer: genericPayload(ipvsCommand.delServer),
};

const names: Readonly<Record<IpvsChange["kind"], string>> = {
  addService: "IPVS_CMD_NEW_SERVICE",
  setService: "IPVS_CMD_SET_SERVICE",
  removeService: "IPVS_CMD_DEL_SERVICE",
  addServer: "IPVS_CMD_NEW_DEST",
  setServer: "IPVS_CMD_SET_DEST",
  removeServer: "IPVS_CMD_DEL_DEST",
};
