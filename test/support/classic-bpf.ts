/** Runs a program of classic BPF over a packet, as far as this project's programs go; tells whether it is taken. */
export function isTaken(program: Uint8Array, packet: Uint8Array): boolean {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const memory = new Map<number, number>();
  let [a, x] = [0, 0];
  for (let at = 0; at < program.length; at += 8) {
    const operation = code.getUint16(at, true);
    const value = code.getUint32(at + 4, true);
    const jump = (holds: boolean): number => 8 * code.getUint8(at + (holds ? 2 : 3));
    // A load past the end drops the packet.
    const load = (offset: number, size: number): number | null => {
      if (offset + size > packet.length) return null;
      if (size === 1) return data.getUint8(offset);
      return size === 2 ? data.getUint16(offset) : data.getUint32(offset);
    };
    const loads: Readonly<Record<number, readonly [number, number]>> = {
      0x30: [value, 1],
      0x28: [value, 2],
      0x20: [value, 4],
      0x50: [x + value, 1],
      0x48: [x + value, 2],
      0x40: [x + value, 4],
    };
    const wanted = loads[operation];
    if (wanted !== undefined) {
      const loaded = load(...wanted);
      if (loaded === null) return false;
      a = loaded;
    } else if (operation === 0x01) x = value;
    else if (operation === 0x61) x = memory.get(value) ?? 0;
    else if (operation === 0x02) memory.set(value, a);
    else if (operation === 0x15) at += jump(a === value);
    else if (operation === 0x1d) at += jump(a === x);
    else if (operation === 0x06) return value !== 0;
    else throw new Error(`unknown operation ${operation}`);
  }
  throw new Error("the program has no end");
}
