import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe } from "../../support/probe-plans.ts";
import { probeResults } from "../../support/probe-results.ts";

/** Agents that say what agents say, in any case and with any end of line, and such as are broken. */

setDefaultTimeout(60_000);
const firstPort = 9000;

/** What an agent does on a connection, in Python, and what its probe says then. */
const agents: readonly (readonly [act: string, result: string])[] = [
  ['c.sendall(b"UP\\n")', "up: agent says UP"],
  ['c.sendall(b"Drain\\r\\n")', "up: agent says Drain"],
  ['c.sendall(b"\\r\\n\\n  MAINT\\n")', "down: agent says MAINT"],
  ['c.sendall(b"\\tup,\\t50%\\n")', "up: agent says up 50%"],
  ['c.sendall(b"down # disk full\\n")', "down: agent says down (disk full)"],
  ['c.sendall(b"up"); c.shutdown(socket.SHUT_WR); time.sleep(9)', "up: agent says up"],
  ['c.sendall(b"u"); time.sleep(0.1); c.sendall(b"p\\n"); time.sleep(9)', "up: agent says up"],
  ['c.sendall(b"ready\\nmaint\\n" + b"x" * 2**20)', "up: agent says ready"],
  ['c.sendall(b"75%\\rdown\\n")', "up: agent says 75%"],
  ["c.shutdown(socket.SHUT_WR); time.sleep(9)", "down: connection closed without an answer"],
  ['c.sendall(b"x" * 2**20); time.sleep(9)', "down: answer is a line without end"],
  ['c.sendall(b"\\n" * 2**20); time.sleep(9)', "down: agent says nothing"],
  ["c.sendall(bytes(range(128, 160)) + b'\\n')", "down: agent says "],
  ['c.sendall(b"up 5000%\\n")', 'down: agent says "5000%", which means nothing'],
  ['c.sendall(b"up please\\n")', 'down: agent says "please", which means nothing'],
  ["time.sleep(9)", "down: no answer within 2000 ms"],
];

const program = `import socket, threading, time
def serve(port, act):
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            c, _ = listener.accept()
            def run(c=c):
                try:
                    exec(act, {"c": c, "socket": socket, "time": time})
                except OSError:
                    pass
                c.close()
            threading.Thread(target=run, daemon=True).start()
for at, act in enumerate(${JSON.stringify(agents.map(([act]) => act))}):
    threading.Thread(target=serve, args=(${firstPort} + at, act)).start()
`;

let lab: Lab;
let host: Host;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("director", {});
  const path = join(host.directory, "agents.py");
  writeFileSync(path, program);
  host.spawn(["python3", path]);
  await waitFor("every agent listens", async () => {
    const { stdout } = await host.run(["ss", "-Hltn"]);
    return agents.every((_, at) => stdout.includes(`127.0.0.1:${firstPort + at} `));
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

test("agents' words are understood however they come, and what is none is no word", async () => {
  const probes = agents.map(([act], at) =>
    plannedProbe(
      act,
      { kind: "agent", send: "" },
      {
        target: { address: "127.0.0.1", port: firstPort + at },
        intervalMs: 500,
        timeoutMs: 2_000,
        retries: 0,
      },
    ),
  );
  const seen = await probeResults(host, probes);
  for (const [act, result] of agents)
    expect({ act, said: seen[act] }).toEqual({ act, said: expect.stringContaining(result) });
});
