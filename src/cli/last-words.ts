/**
 * Waits until all that was written to the standard streams is out, or nobody reads it any more, at most for `limitMs`. A pipe takes
 * 64 KiB at a time, and what it has not taken when a process ends is lost. Nothing can be written afterwards.
 */
export async function allWritten(limitMs: number | null): Promise<void> {
  const all = Promise.all([process.stdout, process.stderr].map(written));
  await (limitMs === null ? all : Promise.race([all, Bun.sleep(limitMs)]));
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once("error", () => resolve());
    stream.end(() => resolve());
  });
}
