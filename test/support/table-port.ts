import { ipvsCommand, keyAttribute, parseService, serverFields } from "../../src/kernel/ipvs-messages.ts";
import { attribute, nested, u16, u32, type Attributes } from "../../src/kernel/netlink/attribute.ts";
import type { NetlinkPort } from "../../src/kernel/netlink/connection.ts";
import { genericAttributes, genericPayload } from "../../src/kernel/netlink/generic.ts";
import { encodeMessage, messageFlag, parseMessages } from "../../src/kernel/netlink/message.ts";
import { concatBytes } from "../../src/base/bytes.ts";

const family = 0x20;
const datagramLength = 16 * 1024;
/** Ten counters twice, as long as the kernel's. */
const statistics = (["32", "64"] as const).map((bits) =>
  nested(
    bits === "32" ? 10 : 12,
    ...Array.from({ length: 10 }, (_, index) => {
      return attribute(index + 1, new Uint8Array(bits === "64" || index === 3 || index === 4 ? 8 : 4));
    }),
  ),
);

/** An answer that is worked out when it is first asked for: what is measured is not to wait for it. */
type Late = () => Uint8Array;

interface Entry {
  readonly payload: Late;
  readonly servers: Map<string, Late>;
}

function late(write: () => Uint8Array): Late {
  let written: Uint8Array | null = null;
  return () => (written ??= write());
}

/** The kernel's service table at the level of its bytes, as long and in the order the kernel's are; it judges nothing. */
export class TablePort implements NetlinkPort {
  /** How many changes were asked for. */
  changes = 0;
  readonly #services = new Map<string, Entry>();
  #answers: Uint8Array[] = [];

  send(bytes: Uint8Array): void {
    for (const { type, flags, sequence, payload } of parseMessages(bytes.slice())) {
      if (type === 0x10) this.#answer(0x10, sequence, [genericPayload(1, u16(1, family))]);
      else if (payload[0] === ipvsCommand.getService) this.#dump(sequence, this.#services.values());
      else if (payload[0] === ipvsCommand.getServer) this.#dumpServers(sequence, genericAttributes(payload));
      else this.#change(payload);
      if ((flags & messageFlag.ack) !== 0) this.#answer(2, sequence, [new Uint8Array(4)]);
    }
  }

  receive(): Uint8Array | null {
    return this.#answers.shift() ?? null;
  }

  close(): void {
    this.#answers = [];
  }

  #change(payload: Uint8Array): void {
    this.changes += 1;
    const attributes = genericAttributes(payload);
    if (payload[0] === ipvsCommand.newService) {
      const service = parseService(attributes);
      if (service === null) return;
      const name = nameOf(keyAttribute(service.key).subarray(4));
      this.#services.set(name, { payload: late(() => counted(1, attributes, 1)), servers: new Map() });
      return;
    }
    const entry = this.#services.get(nameOf(attributes.get(1)));
    const server = serverFields(attributes);
    const name = nameOf(server.get(1)) + nameOf(server.get(2));
    // The kernel lists the last one first.
    entry?.servers.set(
      name,
      late(() => counted(5, attributes, 2)),
    );
  }

  #dumpServers(sequence: number, attributes: Attributes): void {
    const entry = this.#services.get(nameOf(attributes.get(1)));
    const payloads = [...(entry?.servers.values() ?? [])].toReversed();
    this.#dump(
      sequence,
      payloads.map((payload) => ({ payload })),
    );
  }

  #dump(sequence: number, entries: Iterable<{ readonly payload: Late }>): void {
    this.#answer(
      family,
      sequence,
      Array.from(entries, ({ payload }) => payload()),
    );
    this.#answer(3, sequence, [new Uint8Array(4)]);
  }

  #answer(type: number, sequence: number, payloads: readonly Uint8Array[]): void {
    let messages: Uint8Array[] = [];
    let length = 0;
    for (const payload of payloads) {
      const message = encodeMessage({ type, flags: 0, sequence, port: 1, payload });
      if (length + message.length > datagramLength) {
        this.#answers.push(concatBytes(...messages));
        messages = [];
        length = 0;
      }
      messages.push(message);
      length += message.length;
    }
    if (messages.length > 0) this.#answers.push(concatBytes(...messages));
  }
}

function nameOf(key: Uint8Array | undefined): string {
  return Buffer.from(key ?? []).toString("latin1");
}

/** What was written, with what the kernel adds to it. */
function counted(command: number, attributes: Attributes, type: 1 | 2): Uint8Array {
  const connections = type === 2 ? [7, 8, 9].map((one) => u32(one, 0)) : [];
  const own = type === 2 ? serverFields(attributes) : attributes.inside(1);
  const written = [...own].map(([each, value]) => attribute(each, value));
  return genericPayload(command, nested(type, ...written, ...connections, ...statistics));
}
