import { AttributeWriter } from "../../src/kernel/netlink/attribute-writer.ts";

/** Gives what a function writes. */
export function written(write: (writer: AttributeWriter) => void): Uint8Array {
  const writer = new AttributeWriter();
  write(writer);
  return writer.written;
}
