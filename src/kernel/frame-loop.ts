import * as native from "../native/index.ts";

/** Has a socket read whenever something is there, up to `most` frames at a time; `next` gives null when nothing is left. */
export function readFrames<Frame>(
  fd: number,
  most: number,
  next: () => Frame | null,
  react: (frame: Frame) => void,
): void {
  native.watch(fd, () => {
    for (let count = 0; count < most; count++) {
      const frame = next();
      if (frame === null) return;
      react(frame);
    }
  });
}
