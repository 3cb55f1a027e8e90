import { Command, CommanderError } from "commander";
import { defaultSocket } from "./admin/client.ts";
import { createLog } from "./base/log.ts";
import { errorText } from "./base/system-error.ts";
import { allWritten } from "./cli/last-words.ts";
import { addStatus } from "./cli/status-command.ts";
import { version } from "./cli/version.ts";
import { openChannel } from "./ipc/channel.ts";
import type { FromDirector, FromProxy, FromVrrp, Role, ToDirector, ToProxy, ToVrrp } from "./ipc/messages.ts";
import { keepName, roleArgument } from "./supervisor/self-command.ts";

/** A service that was told to end does so, whoever has its log; the reader of an answer may take minutes. */
const serviceLastWordsMs = 1000;
const defaultConfig = "/etc/edge-ha/edge-ha.toml";

const roles: readonly Role[] = ["vrrp", "director", "proxy"];

/** Runs one of the children; each loads only what it needs. */
async function runRole(role: Role): Promise<void> {
  switch (role) {
    case "vrrp": {
      const { runVrrpProcess } = await import("./vrrp/process.ts");
      return runVrrpProcess(openChannel<ToVrrp, FromVrrp>(), createLog("vrrp"));
    }
    case "director": {
      const { runDirectorProcess } = await import("./director/process.ts");
      return runDirectorProcess(openChannel<ToDirector, FromDirector>(), createLog("director"));
    }
    case "proxy": {
      const { runProxyProcess } = await import("./proxy/process.ts");
      return runProxyProcess(openChannel<ToProxy, FromProxy>(), createLog("proxy"));
    }
  }
}

function program(finish: (status: Promise<number>) => void): Command {
  const socket = process.env["EDGE_HA_SOCKET"] ?? defaultSocket;
  const top = new Command("edge-ha")
    .description("VRRP, IPVS, an L7 reverse proxy and health checks in one executable")
    .option("--socket <path>", "the admin socket", socket)
    .version(`edge-ha ${version}`, "--version", "say which version this is")
    .exitOverride()
    .showSuggestionAfterError()
    .helpCommand(true);
  const socketOf = (): string => top.opts<{ socket: string }>().socket;
  addService(top, finish, socketOf);
  addQuestions(top, finish, socketOf);
  addStatus(top, finish, socketOf);
  addDrain(top, finish, socketOf);
  addCache(top, finish, socketOf);
  addWatch(top, finish);
  addDigest(top, finish);
  addRealServer(top, finish);
  return top;
}

function addService(top: Command, finish: (status: Promise<number>) => void, socketOf: () => string): void {
  top
    .command("serve")
    .description("run this node of the cluster until it is told to stop")
    .option("--config <file>", "the cluster's configuration", defaultConfig)
    .option("--node <name>", "which node this is; otherwise found by host name or address")
    .action((options: { config: string; node?: string }) => {
      const run = async (): Promise<number> => {
        const { runServe } = await import("./cli/serve.ts");
        return runServe({ config: options.config, node: options.node ?? null, socket: socketOf(), version });
      };
      finish(run());
    });
  top
    .command("__cleanup", { hidden: true })
    .description("remove what a crashed service left on the interfaces")
    .action(() =>
      finish(import("./cli/cleanup.ts").then(({ runCleanup }) => runCleanup(process.env["SERVICE_RESULT"]))),
    );
}

function addQuestions(top: Command, finish: (status: Promise<number>) => void, socketOf: () => string): void {
  top
    .command("check")
    .description("say everything that is wrong with a configuration")
    .option("--config <file>", "the configuration to check", defaultConfig)
    .option("--node <name>", "which node to plan for")
    .option("--plan", "also say what the node would do", false)
    .option("--json", "as one JSON document", false)
    .action((options: { config: string; node?: string; plan: boolean; json: boolean }) => {
      const run = async (): Promise<number> => {
        const { runCheck } = await import("./cli/check.ts");
        return runCheck({ ...options, node: options.node ?? null, socket: socketOf() });
      };
      finish(run());
    });
  top
    .command("reload")
    .description("make the running service read its configuration again")
    .option(
      "--binary",
      "have the installed executable take the running one's place, cutting nothing off",
      false,
    )
    .option("--json", "as one JSON document", false)
    .action((options: { binary: boolean; json: boolean }) => {
      const run = async (): Promise<number> => {
        const { runReload } = await import("./cli/reload.ts");
        return runReload({ ...options, socket: socketOf() });
      };
      finish(run());
    });
  top
    .command("failover")
    .description("hand virtual addresses over to the other node, and wait until it has them")
    .argument("[name...]", "virtual routers or sync groups to hand over; a sync group goes as a whole")
    .option("--all", "everything that this node holds", false)
    .option("--back", "claim as usual again what was handed over (all of it where nothing is named)", false)
    .option("--now", "without waiting for open L7 connections to end", false)
    .option("--json", "as one JSON document", false)
    .action((names: string[], options: { all: boolean; back: boolean; now: boolean; json: boolean }) => {
      const run = async (): Promise<number> => {
        const { runFailover } = await import("./cli/failover.ts");
        return runFailover({ ...options, names, socket: socketOf() });
      };
      finish(run());
    });
  top
    .command("version")
    .description("say which version this is")
    .action(() => {
      process.stdout.write(`edge-ha ${version}\n`);
      finish(Promise.resolve(0));
    });
}

function addDrain(top: Command, finish: (status: Promise<number>) => void, socketOf: () => string): void {
  top
    .command("drain")
    .description(
      "take servers out of their service or upstream: no new connections, and out once the open ones have ended",
    )
    .argument(
      "<server...>",
      "service/address or service/address:port, such as web/192.0.2.8, or with the upstream in place of the service",
    )
    .option("--within <time>", "how long open connections may go on", "5m")
    .option("--no-wait", "do not wait for them")
    .option("--json", "as one JSON document", false)
    .action((servers: string[], options: { within: string; wait: boolean; json: boolean }) => {
      const run = async (): Promise<number> => {
        const { runDrain } = await import("./cli/drain.ts");
        return runDrain({ ...options, servers, isBack: false, socket: socketOf() });
      };
      finish(run());
    });
  top
    .command("enable")
    .description("put drained servers back into their service or upstream")
    .argument("<server...>", "as with drain")
    .option("--json", "as one JSON document", false)
    .action((servers: string[], options: { json: boolean }) => {
      const run = async (): Promise<number> => {
        const { runDrain } = await import("./cli/drain.ts");
        return runDrain({ ...options, servers, isBack: true, within: "0s", wait: false, socket: socketOf() });
      };
      finish(run());
    });
}

function addCache(top: Command, finish: (status: Promise<number>) => void, socketOf: () => string): void {
  top
    .command("cache")
    .description("what the proxy keeps of the servers' answers")
    .command("purge")
    .description("forget stored answers")
    .argument(
      "<url...>",
      'a URL, with or without scheme; "shop.example/img/*" for all that begin so, "*" for all',
    )
    .action((patterns: string[]) => {
      const run = async (): Promise<number> => {
        const { runCachePurge } = await import("./cli/cache-purge.ts");
        return runCachePurge(socketOf(), patterns);
      };
      finish(run());
    });
}

/** The options of `digest` as they are written. */
interface DigestWords {
  readonly address?: string;
  readonly httpVersion: string;
  readonly sni?: string;
  readonly ca?: string;
  readonly verify: boolean;
  readonly timeout: string;
  readonly json: boolean;
}

function addDigest(top: Command, finish: (status: Promise<number>) => void): void {
  top
    .command("digest")
    .description("print the digest that a check of a page compares with: MD5, as genhash does, and SHA-256")
    .argument("<url>", "the page, such as http://10.16.8.8/healthz")
    .option("--address <address>", "connect there; the URL's host is asked for all the same")
    .option("--http-version <version>", "1.0 or 1.1", "1.1")
    .option("--sni <name>", "the name asked for over TLS; without it the URL's host")
    .option("--ca <file>", "the authorities to trust; without it the host's own")
    .option("--no-verify", "take any certificate")
    .option("--timeout <time>", "for all of it", "5s")
    .option("--json", "as one JSON document", false)
    .action((url: string, words: DigestWords) => {
      const run = async (): Promise<number> => {
        const { runDigest } = await import("./cli/digest.ts");
        const { address = null, httpVersion, sni = null, ca = null, verify, timeout, json } = words;
        return runDigest({ url, address, httpVersion, sni, ca, verifies: verify, timeout, json });
      };
      finish(run());
    });
}

function addWatch(top: Command, finish: (status: Promise<number>) => void): void {
  top
    .command("watch")
    .description("show the VRRP on an interface, and say what is wrong with it (0 nothing, 3 something)")
    .argument("[interface]", "where to listen; needs no running service, and sends nothing")
    .option("--all", "on every Ethernet interface", false)
    .option("--read <file>", "a capture of tcpdump or tshark in place of an interface; - is standard input")
    .option("--write <file>", "also put what is looked at into a capture file")
    .option("--vrid <number>", "this virtual router only (repeatable)", collect)
    .option("--count <number>", "end after so many packets", Number)
    .option("--duration <time>", "end after this time, such as 30s")
    .option(
      "--config <file>",
      "the configuration to compare with; without the option, if it is there",
      defaultConfig,
    )
    .option("--quiet", "no line for each packet: changes and findings only", false)
    .option("--json", "one JSON object a line", false)
    .action((name: string | undefined, options: WatchWords, command: Command) => {
      const run = async (): Promise<number> => {
        const [{ runWatch }, { parseDuration }] = await Promise.all([
          import("./cli/watch.ts"),
          import("./config/units.ts"),
        ]);
        const { all, read, write, vrid, count, duration, config, quiet, json } = options;
        return runWatch({
          interface: name ?? null,
          read: read ?? null,
          write: write ?? null,
          vrids: vrid ?? null,
          count: count ?? null,
          durationMs: duration === undefined ? null : (parseDuration(duration) ?? Number.NaN),
          isConfigGiven: command.getOptionValueSource("config") === "cli",
          all,
          config,
          quiet,
          json,
        });
      };
      finish(run());
    });
}

function collect(value: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), Number(value)];
}

/** The options of `watch` as they are written. */
interface WatchWords {
  readonly all: boolean;
  readonly read?: string;
  readonly write?: string;
  readonly vrid?: readonly number[];
  readonly count?: number;
  readonly duration?: string;
  readonly config: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

function addRealServer(top: Command, finish: (status: Promise<number>) => void): void {
  const realServer = top
    .command("rs")
    .description("on a web server: carry virtual addresses for LVS-DR and LVS-TUN");
  const texts = {
    start: "put the virtual addresses on lo and keep ARP quiet about them",
    stop: "put everything back as it was before",
    status: "say whether this machine is fit to be a real server, and why not",
  } as const;
  addRealServerService(realServer, finish);
  for (const action of ["start", "stop", "status"] as const) {
    const command = realServer.command(action).description(texts[action]);
    // What `stop` takes back is in the state file.
    if (action !== "stop") {
      const kinds = "unpack ipip, gre, gre+csum or gue:PORT; /6 behind it for IPv6 outside";
      command.option("--tunnel <kind...>", kinds, []);
    }
    command
      .option("--vip <address...>", "a virtual address (repeatable)", [])
      .option("--config <file>", "the cluster's configuration, where no --vip is given", defaultConfig)
      .option("--state <file>", "where to remember what was there before")
      .option("--json", "as one JSON document", false)
      .action(
        (options: { vip: string[]; tunnel?: string[]; config: string; state?: string; json: boolean }) => {
          const run = async (): Promise<number> => {
            const { runRs } = await import("./cli/rs.ts");
            const { vip: vips, tunnel: tunnels = [], config, json } = options;
            return runRs({ action, vips, tunnels, config, state: options.state ?? null, json });
          };
          finish(run());
        },
      );
  }
}

function addRealServerService(realServer: Command, finish: (status: Promise<number>) => void): void {
  realServer
    .command("serve")
    .description("do as start does, keep it so until told to stop, and answer directors that ask")
    .option("--vip <address...>", "a virtual address (repeatable)", [])
    .option("--tunnel <kind...>", "as for start", [])
    .option("--config <file>", "the cluster's configuration, where no --vip is given", defaultConfig)
    .option("--state <file>", "where to remember what was there before")
    .option("--agent <address>", "answer HAProxy's agent check there, such as :8081")
    .option("--allow <address...>", "who may ask the agent; everybody without it", [])
    .option("--weight <source>", "cpu: the less is idle, the smaller the share; none")
    .action(
      (options: {
        vip: string[];
        tunnel: string[];
        config: string;
        state?: string;
        agent?: string;
        allow: string[];
        weight?: string;
      }) => {
        const run = async (): Promise<number> => {
          const { runRsServe } = await import("./cli/rs-serve.ts");
          const { vip: vips, tunnel: tunnels, config, allow } = options;
          const { state = null, agent = null, weight = null } = options;
          return runRsServe({ vips, tunnels, config, allow, state, agent, weight });
        };
        finish(run());
      },
    );
  realServer
    .command("drain")
    .description("have directors that ask the agent send no new connections")
    .option("--undo", "take connections again", false)
    .option("--maint", "out of service at once, open connections too", false)
    .option("--wait <duration>", "wait until no connection is open, at most so long, such as 60s")
    .option("--state <file>", "the state file of rs serve")
    .action((options: { undo: boolean; maint: boolean; wait?: string; state?: string }) => {
      const run = async (): Promise<number> => {
        const { runRsDrain } = await import("./cli/rs-drain.ts");
        const { undo, maint, wait = null, state = null } = options;
        return runRsDrain({ undo, maint, wait, state });
      };
      finish(run());
    });
}

async function runCommand(words: readonly string[]): Promise<number> {
  let status: Promise<number> = Promise.resolve(0);
  try {
    const command = program((result) => {
      status = result;
    });
    if (words.length === 0) {
      command.outputHelp({ error: true });
      return 2;
    }
    command.parse([...words], { from: "user" });
    return await status;
  } catch (error) {
    // commander has written its message already; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`edge-ha: ${errorText(error)}\n`);
    return 1;
  }
}

const words = process.argv.slice(2);
// A reload that is asked for while the service is still starting must not end it, as the signal does by itself.
if (words.includes("serve"))
  for (const signal of ["SIGHUP", "SIGUSR1"] as const) process.on(signal, () => undefined);
if (words[0] === roleArgument) {
  const role = roles.find((name) => name === words[1]);
  if (role === undefined || process.send === undefined) {
    process.stderr.write(
      "edge-ha: this is how `edge-ha serve` starts its own processes; run `edge-ha serve`\n",
    );
    process.exit(2);
  }
  keepName();
  await runRole(role);
} else {
  const status = await runCommand(words);
  await allWritten(words.includes("serve") ? serviceLastWordsMs : null);
  process.exit(status);
}
