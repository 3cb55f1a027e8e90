import { ipv4Number } from "../base/address.ts";
import { keyAttribute, writeServer, type IpvsKey, type IpvsServer } from "./ipvs-messages.ts";
import { AttributeWriter } from "./netlink/attribute-writer.ts";

/** In what `writeServer` writes for an IPv4 server: address and weight, behind the headers of all that stands before. */
const [addressPlace, weightPlace] = [8, 44];

/**
 * Writes the same for many servers that differ in their IPv4 addresses and weights only, each as a copy of the one before with
 * these put in. It takes a third of the time.
 */
export class ServersWriter {
  #like: IpvsServer | null = null;
  #bytes: Uint8Array = new Uint8Array();
  #key: IpvsKey | null = null;
  #keyBytes: Uint8Array = new Uint8Array();

  /** Writes the service attribute that names the service of a server: mostly that of the one before. */
  writeKey(writer: AttributeWriter, key: IpvsKey): void {
    if (key !== this.#key) this.#keyBytes = keyAttribute(key);
    this.#key = key;
    writer.copy(this.#keyBytes);
  }

  write(writer: AttributeWriter, server: IpvsServer): void {
    const number = ipv4Number(server.address);
    if (number < 0) return writeServer(writer, server);
    if (this.#like === null || !isAlike(server, this.#like)) {
      const alone = new AttributeWriter();
      writeServer(alone, server);
      this.#bytes = alone.written;
      this.#like = server;
    }
    const at = writer.copy(this.#bytes);
    writer.replaceBe32(at + addressPlace, number);
    writer.replaceU32(at + weightPlace, server.weight);
  }
}

function isAlike(server: IpvsServer, other: IpvsServer): boolean {
  return (
    server.port === other.port &&
    server.forward === other.forward &&
    server.tunnel === other.tunnel &&
    server.upperThreshold === other.upperThreshold &&
    server.lowerThreshold === other.lowerThreshold
  );
}
