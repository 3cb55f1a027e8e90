/** A child's end of the line to its supervisor. */
export interface Channel<In, Out> {
  /** Queues a message; silently dropped once the supervisor is gone. */
  send(message: Out): void;
  /** Sets the one receiver of messages. */
  onMessage(receive: (message: In) => void): void;
  /** Sets what happens once when the supervisor is gone. */
  onClosed(react: () => void): void;
}

/** Opens the channel the supervisor gave this process; throws if it was started by hand. */
export function openChannel<In, Out>(): Channel<In, Out> {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error("this role is started by `edge-ha serve` only");
  return {
    send(message) {
      if (process.connected) send(message);
    },
    onMessage(receive) {
      // The peer is another process of this very executable: what arrives has the type it was sent with.
      process.on("message", (message) => receive(message as In));
    },
    onClosed(react) {
      // Whoever has started this process may be gone before it listens.
      if (process.connected) process.once("disconnect", react);
      else queueMicrotask(react);
    },
  };
}

/** So long at most does a child that has outlived its supervisor not notice that the one in its place is gone. */
const lookEveryMs = 250;

/** Who started this process. By the time that the channel is closed its parent may be another one already. */
const parent = process.ppid;

/** Calls back once when the process that started this one is gone; one that another program has taken over is not. */
export function whenOrphaned(react: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    react();
  }, lookEveryMs);
}
