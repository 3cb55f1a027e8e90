import { hasCode } from "../base/system-error.ts";
import { fouCommand, gueAddition, gueRemoval, parseGuePort, type GuePort } from "./fou-messages.ts";
import { loadModule } from "./modules.ts";
import { NetlinkConnection } from "./netlink/connection.ts";
import { genericAttributes, genericPayload, resolveFamily } from "./netlink/generic.ts";
import { openRequestSocket } from "./netlink/socket.ts";
import { NETLINK_GENERIC } from "./socket-constants.ts";

export type { GuePort } from "./fou-messages.ts";

const familyName = "fou";

/** The UDP ports on which the kernel unpacks GUE in this network namespace; changes need CAP_NET_ADMIN. */
export class GuePorts {
  readonly #connection: NetlinkConnection;
  readonly #load: () => void;

  private constructor(connection: NetlinkConnection, load: () => void) {
    this.#connection = connection;
    this.#load = load;
  }

  /** Opens a socket to the kernel. */
  static open(): GuePorts {
    // The module has no name by which the kernel would load it of its own accord.
    return GuePorts.over(new NetlinkConnection(openRequestSocket(NETLINK_GENERIC)), () =>
      loadModule(familyName),
    );
  }

  /** Uses a connection that is open already; `load` is tried when a port is to be opened and the family is unknown. */
  static over(connection: NetlinkConnection, load: () => void): GuePorts {
    return new GuePorts(connection, load);
  }

  /** Lists the ports that take GUE; without the module there are none. */
  list(): GuePort[] {
    const type = this.#family();
    if (type === null) return [];
    const payload = genericPayload(fouCommand.get);
    const replies = this.#connection.dump({ operation: "FOU_CMD_GET", type, flags: 0, payload });
    return replies.flatMap((reply) => parseGuePort(genericAttributes(reply.payload)) ?? []);
  }

  /** Opens a port; throws `EADDRINUSE` if something else has it, `ENOENT` with a cure if the module is missing. */
  add(port: GuePort): void {
    const operation = `FOU_CMD_ADD ${port.port}`;
    const type = this.#family() ?? this.#loadedFamily();
    const payload = genericPayload(fouCommand.add, ...gueAddition(port));
    this.#connection.request({ operation, type, flags: 0, payload });
  }

  /** Closes a port; one that is not open stays so. */
  remove(port: GuePort): void {
    const type = this.#family();
    if (type === null) return;
    const payload = genericPayload(fouCommand.remove, ...gueRemoval(port));
    try {
      this.#connection.request({ operation: `FOU_CMD_DEL ${port.port}`, type, flags: 0, payload });
    } catch (error) {
      if (!hasCode(error, "EINVAL", "ENOENT")) throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #family(): number | null {
    try {
      return resolveFamily(this.#connection, familyName);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  #loadedFamily(): number {
    this.#load();
    const type = this.#family();
    if (type === null) {
      throw new Error(
        "the kernel module fou is not loaded and could not be: run `modprobe fou` as root, and for the next boot " +
          "`echo fou > /etc/modules-load.d/edge-ha-rs.conf`",
      );
    }
    return type;
  }
}
