import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../src/", import.meta.url));
const files = [...new Bun.Glob("**/*.ts").scanSync(root)].sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

/** Who may import whom, by folder; everyone may import `base` and itself, `main.ts` may import everything. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  native: [],
  kernel: ["native"],
  config: [],
  ipc: ["config"],
  health: ["config", "kernel"],
  vrrp: ["config", "kernel", "ipc"],
  director: ["config", "kernel", "ipc", "health"],
  "real-server": ["config", "kernel", "ipc", "health"],
  proxy: ["config", "ipc", "native"],
  supervisor: ["config", "ipc", "kernel"],
  admin: ["config", "ipc"],
  watch: ["config", "kernel", "vrrp"],
  cli: [
    "config",
    "ipc",
    "admin",
    "supervisor",
    "director",
    "real-server",
    "health",
    "kernel",
    "vrrp",
    "watch",
  ],
};

/** The supervisor opens sockets and talks to the service manager; it programs nothing. */
const kernelFilesOfTheSupervisor = new Set([
  "kernel/inherited-socket.ts",
  "kernel/listen.ts",
  "kernel/shared-memory.ts",
  "kernel/succession.ts",
  "kernel/unix-datagram.ts",
]);

/** Files that must be pure, beside every file that says so of itself. */
const mustBePure = [
  "vrrp/election.ts",
  "vrrp/packet.ts",
  "vrrp/tracking.ts",
  "vrrp/sync-group.ts",
  "health/tally.ts",
  "health/schedule.ts",
  "director/table.ts",
  "director/plan.ts",
  "real-server/table.ts",
  "real-server/plan.ts",
  "proxy/routes.ts",
  "proxy/headers.ts",
  "supervisor/restart.ts",
];
const pureFolders = ["proxy/http1/", "proxy/selection/"];
const impure =
  /\b(Date\.now|new Date\(|performance\.|setTimeout|setInterval|setImmediate|Math\.random|Bun\.|process\.|fetch\()|from "(node|bun):/;

function importsOf(file: string): string[] {
  const text = sources.get(file) ?? "";
  const found = [...text.matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)];
  return found.map(([, path]) => normalize(join(dirname(file), path ?? "")));
}

test("every folder imports only what the architecture allows", () => {
  const offences: string[] = [];
  for (const file of files.filter((name) => name.includes("/"))) {
    const folder = file.split("/")[0] ?? "";
    const allowed = new Set([...(mayImport[folder] ?? []), folder, "base"]);
    for (const target of importsOf(file)) {
      const isAddon = target.startsWith("../native");
      if (!isAddon && !allowed.has(target.split("/")[0] ?? "")) offences.push(`${file} imports ${target}`);
    }
  }
  expect(offences).toEqual([]);
});

test("every folder of src is known to the architecture", () => {
  const folders = new Set(files.filter((name) => name.includes("/")).map((name) => name.split("/")[0] ?? ""));
  expect([...folders].filter((folder) => !(folder in mayImport))).toEqual([]);
});

test("the supervisor uses nothing of the kernel but sockets and datagrams", () => {
  const used = files
    .filter((file) => file.startsWith("supervisor/"))
    .flatMap(importsOf)
    .filter((target) => target.startsWith("kernel/"));
  expect(used.filter((target) => !kernelFilesOfTheSupervisor.has(target))).toEqual([]);
});

test("proxies use nothing native but streams", () => {
  const users = files.filter(
    (file) => file.startsWith("proxy/") && importsOf(file).includes("native/index.ts"),
  );
  expect(users.filter((file) => !file.startsWith("proxy/streams/"))).toEqual([]);
  const names = users.flatMap((file) =>
    [
      ...(sources.get(file) ?? "").matchAll(/import (?:type )?\{([^}]*)\} from "[^"]*native\/index\.ts"/g),
    ].flatMap(([, list = ""]) => list.split(",").map((name) => name.replace(/\btype\b/, "").trim())),
  );
  expect([...new Set(names)].sort()).toEqual(["StreamCalls", "streamCalls"]);
});

test("only src/native loads the addon", () => {
  const loaders = files.filter((file) => (sources.get(file) ?? "").includes('.node")'));
  expect(loaders.every((file) => file.startsWith("native/"))).toBe(true);
  expect(loaders.length).toBe(1);
});

test("pure files name no clock, timer, socket, runtime or process", () => {
  const saysSo = files.filter((file) => /\bPURE\b/.test(sources.get(file) ?? ""));
  const inFolder = files.filter((file) => pureFolders.some((folder) => file.startsWith(folder)));
  const offences: string[] = [];
  for (const file of new Set([...mustBePure, ...saysSo, ...inFolder])) {
    const text = sources.get(file);
    if (text === undefined) offences.push(`${file} does not exist`);
    const code = (text ?? "").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    const hit = impure.exec(code);
    if (hit !== null) offences.push(`${file} names ${hit[0]}`);
  }
  expect(offences).toEqual([]);
});

test("no folder or file is named after nothing in particular", () => {
  expect(files.filter((file) => /(^|\/)(utils?|common|helpers?|manager|index)(\/|\.|$)/.test(file))).toEqual([
    "native/index.ts",
  ]);
});

test("no file is longer than 400 lines", () => {
  expect(files.filter((file) => (sources.get(file) ?? "").split("\n").length > 401)).toEqual([]);
});
