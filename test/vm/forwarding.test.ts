import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import type { NodeStatus } from "../../src/ipc/status.ts";
import { Guest } from "./guest.ts";
import { closedVip, config, savedTable, schedulers, vip, vip6 } from "./forwarding-services.ts";
import { ipvsadmRows, listRows, serverColumns, trafficRows } from "./ipvsadm-rows.ts";

/**
 * Every way the kernel hands packets to servers, from the configuration file to the answer the client gets: translation,
 * three kinds of tunnels, UDP, IPv6 and marks; ipvsadm is the independent reader of the table.
 */

setDefaultTimeout(300_000);
let guest: Guest;

beforeAll(async () => {
  guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
  await guest.text("bash /share/guest/routed.sh");
  await guest.text(
    "ip netns exec lb1 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0",
  );
  await guest.text(`cat >/run/edge-ha.toml <<'TOML'\n${config}\nTOML\n`);
  await guest.text("mkfifo /run/notify; setsid cat <>/run/notify >/run/notify.txt 2>&1 &");
  const serve = "/share/edge-ha --socket /run/lb1.sock serve --config /run/edge-ha.toml --node lb1";
  await guest.text(`setsid ip netns exec lb1 ${serve} >/run/lb1.log 2>&1 & echo $! >/run/lb1.pid`);
  await guest.waitFor("lb1 holds its VIPs", async () => {
    const { stdout } = await guest.run("ip -n lb1 -o address show dev eth0");
    if ([vip, vip6, closedVip].every((address) => stdout.includes(` ${address}/`))) return true;
    const { exitCode } = await guest.run("kill -0 $(cat /run/lb1.pid)");
    if (exitCode !== 0) throw new Error(await guest.text("cat /run/lb1.log"));
    return false;
  });
});
afterAll(() => guest[Symbol.asyncDispose]());

/** Asks several times, on a connection each, and gives the different answers, sorted. */
async function ask(url: string, times = 4): Promise<readonly string[]> {
  const urls = Array.from({ length: times }, () => `'${url}'`).join(" ");
  const text = await guest.text(`ip netns exec client curl -gs -m 30 ${urls}`);
  return [...new Set(text.split("\n").filter((line) => line !== ""))].sort();
}

/** What both servers say when asked at a port. */
function both(port: number, client = "10.99.0.99"): readonly string[] {
  return [`rs1 ${port} ${client}`, `rs2 ${port} ${client}`];
}

/** What has lb1 mark packets to a port of the VIP. */
function marking(port: number, mark: number): string {
  const match = `u32 match ip dst ${vip} match ip dport ${port} 0xffff action skbedit mark ${mark}`;
  return `tc -n lb1 filter add dev eth0 ingress protocol ip ${match}`;
}

function ping(address: string): string {
  return `ip netns exec client ping -c 1 -W 2 ${address}`;
}

/** The same by four datagrams from one socket. */
async function askByUdp(port: number): Promise<readonly string[]> {
  const text = await guest.text(`ip netns exec client python3 /share/guest/ask-udp.py ${vip} ${port} 4`);
  return text.trim().split("\n").sort();
}

describe("the kernel's ways to a server", () => {
  test("translation changes address and port, and the answers come back the same way", async () => {
    expect(await ask(`http://${vip}:8080/`)).toEqual([...both(80)]);
  });

  test("tunnels by IPIP, GUE and GRE lead to servers that answer directly", async () => {
    expect(await ask(`http://${vip}:81/`)).toEqual([...both(81)]);
    expect(await ask(`http://${vip}:82/`)).toEqual([...both(82)]);
    expect(await ask(`http://${vip}:83/`)).toEqual([...both(83)]);
  });

  test("packets of the tunnels are what they say on the wire", async () => {
    const filter = "(proto 4 or proto 47 or udp port 5555) and src 10.98.0.1";
    const dump = `setsid ip netns exec lb1 tcpdump -lni eth1 '${filter}' >/run/dump.txt 2>/run/dump.err &`;
    await guest.text(`${dump} echo $! >/run/dump.pid`);
    await guest.waitFor("tcpdump listens", async () => {
      return (await guest.run("grep -q listening /run/dump.err")).exitCode === 0;
    });
    for (const port of [81, 82, 83]) await ask(`http://${vip}:${port}/`, 1);
    let lines = "";
    await guest.waitFor("all three were seen", async () => {
      lines = await guest.text("cat /run/dump.txt");
      return lines.includes("GREv0");
    });
    await guest.text("kill $(cat /run/dump.pid)");
    expect(lines).toMatch(/IP 10\.98\.0\.1 > 10\.98\.0\.2[12]: (?:ipip: )?IP 10\.99\.0\.99/);
    expect(lines).toMatch(/IP 10\.98\.0\.1\.\d+ > 10\.98\.0\.2[12]\.5555: UDP/);
    expect(lines).toMatch(/IP 10\.98\.0\.1 > 10\.98\.0\.2[12]: GREv0/);
  });

  test("tunnels with checksums, whole or left to the receiver", async () => {
    expect(await ask(`http://${vip}:91/`)).toEqual([...both(91)]);
    expect(await ask(`http://${vip}:92/`)).toEqual([...both(92)]);
  });

  test("tunnels over IPv4 lead from an IPv6 address to servers", async () => {
    expect(await ask(`http://[${vip6}]:93/`)).toEqual([...both(93, "2001:db8:99::99")]);
  });

  test("tunnels over IPv6 lead from an IPv4 address to servers", async () => {
    for (const port of [95, 96, 97]) expect(await ask(`http://${vip}:${port}/`)).toEqual([...both(port)]);
  });

  test("a check through the VIP goes to the server it is about, and IPVS balances none of it", async () => {
    const rows = async (option = ""): Promise<readonly string[]> =>
      ipvsadmRows(await guest.text(list(option))).filter((row) => row.startsWith(`TCP ${vip}:98 `));
    const servers = (): Promise<readonly string[]> =>
      rows().then((all) => all.flatMap((row) => /10\.98\.0\.2\d/.exec(row) ?? []));
    const waitForServers = (wanted: readonly string[]): Promise<void> =>
      guest.waitFor(`${wanted.join(" and ")} at port 98`, async () => {
        return JSON.stringify((await servers()).toSorted()) === JSON.stringify(wanted);
      });
    await waitForServers(["10.98.0.21", "10.98.0.22"]);
    await guest.text("ip -n rs2 address del 10.99.0.101/32 dev lo");
    await waitForServers(["10.98.0.21"]);
    expect(await ask(`http://${vip}:98/`)).toEqual(["rs1 98 10.99.0.99"]);
    await guest.text("ip -n rs2 address add 10.99.0.101/32 dev lo");
    await waitForServers(["10.98.0.21", "10.98.0.22"]);
    // Four of the client's; the kernel adds them up every two seconds.
    await guest.waitFor("the client's connections are counted", async () => {
      return (await rows("--stats --exact")).some((row) => row.startsWith(`TCP ${vip}:98 4 `));
    });
  });

  test("direct routing beside them", async () => {
    expect(await ask(`http://${vip}:84/`)).toEqual([...both(84)]);
  });

  test("the balancer is one of the servers itself, once it answers", async () => {
    const local = (): Promise<string> =>
      guest.text("ip netns exec lb1 ipvsadm --save -n | grep -c -- '-r 10.98.0.1:99 ' || true");
    await guest.waitFor("it is in neither service", async () => (await local()) === "0\n");
    const web = "python3 /share/guest/web.py lb1 0.0.0.0 99";
    await guest.text(`setsid ip netns exec lb1 ${web} >/run/own-lb1.log 2>&1 &`);
    await guest.waitFor("it is in both services", async () => (await local()) === "2\n");
    const answers = ["lb1 10.99.0.99", ...both(99)];
    expect(await ask(`http://${vip}:99/`, 6)).toEqual(answers);
    expect(await ask(`http://${vip}:8083/`, 6)).toEqual(answers);
  });

  test("persistence keeps a client with its server, at each port of the service", async () => {
    for (const port of [85, 86]) expect(await ask(`http://${vip}:${port}/`, 6)).toHaveLength(1);
  });

  test("UDP, each client or each datagram by itself", async () => {
    const answers = await askByUdp(53);
    expect(both(5353)).toContain(answers[0] ?? "");
    expect(answers).toEqual(Array(4).fill(answers[0]));
    expect(await askByUdp(5353)).toEqual([...both(5353), ...both(5353)].sort());
  });

  test("SIP over UDP, each call by its Call-ID wherever it comes from", async () => {
    const calls = ["a@x", "a@x", "a@x", "b@x", "b@x", "a@x"].join(" ");
    const text = await guest.text(
      `ip netns exec client python3 /share/guest/ask-sip.py ${vip} 5060 ${calls}`,
    );
    const [first = "", , , other = ""] = text.trim().split("\n");
    expect([first, other].toSorted()).toEqual([...both(5353)]);
    expect(text.trim().split("\n")).toEqual([first, first, first, other, other, first]);
  });

  test("SCTP, each association by itself", async () => {
    const text = await guest.text(`ip netns exec client python3 /share/guest/ask-sctp.py ${vip} 3868 2`);
    expect(text.trim().split("\n").sort()).toEqual([...both(3868)]);
  });

  test("IPv6 translation", async () => {
    expect(await ask(`http://[${vip6}]/`)).toEqual([...both(80, "2001:db8:99::99")]);
  });

  test("packets that edge-ha marks itself: one service, one server for a client at every port", async () => {
    const answers = await Promise.all([87, 88, 90].map((port) => ask(`http://${vip}:${port}/`, 2)));
    expect(answers.map((of) => of.map((answer) => answer.split(" ")[1]))).toEqual([["87"], ["88"], ["90"]]);
    expect(new Set(answers.flat().map((answer) => answer.split(" ")[0])).size).toBe(1);
    expect((await guest.run(`ip netns exec client curl -s -m 2 http://${vip}:89/`)).exitCode).toBe(7);
  });

  test("packets that someone else marked", async () => {
    await guest.text(`tc -n lb1 qdisc add dev eth0 ingress; ${marking(8087, 7)}; ${marking(8089, 11)}`);
    expect(await ask(`http://${vip}:8087/`)).toEqual([...both(80)]);
  });

  test("translation of both ends leads to a server that knows no way back to clients", async () => {
    expect((await guest.run("ip netns exec rs3 ping -c 1 -W 1 10.99.0.99")).exitCode).toBe(2);
    expect(await ask(`http://${vip}:8081/`)).toEqual(["rs3 80 10.98.0.1"]);
    expect(await ask(`http://[${vip6}]:81/`)).toEqual(["rs3 80 2001:db8:98::1"]);
    expect(await ask(`http://${vip}:8089/`)).toEqual(["rs3 80 10.98.0.1"]);
  });

  test("an address that accepts nothing is still balanced", async () => {
    await guest.text("setsid ip netns exec lb1 python3 /share/guest/web.py lb1 >/run/web-lb1.log 2>&1 &");
    await guest.waitFor("lb1 answers at the address that accepts", async () => {
      return (await guest.run(`ip netns exec client curl -sf -m 5 http://${vip}/`)).stdout.startsWith("lb1");
    });
    expect(await ask(`http://${closedVip}:8080/`)).toEqual([...both(80)]);
    const silent = `ip netns exec client curl -s -m 2 http://${closedVip}/`;
    expect((await guest.run(silent)).exitCode).toBe(28);
    expect((await guest.run(ping(vip))).exitCode).toBe(0);
    expect((await guest.run(ping(closedVip))).exitCode).toBe(1);
  });
});

const list = (option: string): string => `ip netns exec lb1 ipvsadm -Ln ${option}`;

describe("what the running service shows", () => {
  const edgeHa = "/share/edge-ha --socket /run/lb1.sock";
  const foreignKey = "10.99.0.11:7000";

  afterAll(() => guest.text(`ip netns exec lb1 ipvsadm -D -t ${foreignKey}`));

  beforeAll(async () => {
    await guest.text(
      `ip netns exec lb1 bash -c 'ipvsadm -A -t ${foreignKey} -s rr; ipvsadm -a -t ${foreignKey} -r 10.98.0.21:7000 -g -w 5'`,
    );
  });

  async function status(): Promise<NodeStatus> {
    return JSON.parse(await guest.text(`${edgeHa} status --json`)) as NodeStatus;
  }

  test("is what ipvsadm counts, and someone else's service is marked", async () => {
    await guest.waitFor("both have counted the same", async () => {
      const theirs = ipvsadmRows(await guest.text(list("--stats --exact")));
      const ours = trafficRows((await status()).services, (traffic) => [
        traffic.connections,
        traffic.inPackets,
        traffic.outPackets,
        traffic.inBytes,
        traffic.outBytes,
      ]);
      return JSON.stringify(ours) === JSON.stringify(theirs);
    });
    const { services } = await status();
    expect(services.find(({ name }) => name === "nat")?.traffic.connections).toBeGreaterThanOrEqual(4);
    expect(services.filter(({ isForeign }) => isForeign)).toMatchObject([
      { name: `tcp ${foreignKey}`, servers: [{ address: "10.98.0.21", weight: 5, isUp: null }] },
    ]);
    const text = await guest.text(`${edgeHa} status`);
    expect(text).toMatch(/tcp 10\.99\.0\.11:7000 +10\.99\.0\.11:7000 +rr +foreign/);
    expect(text).toMatch(/sticky +10\.99\.0\.101:85 +wrr persistent 60s\/24/);
    expect(text).toMatch(/10\.98\.0\.21:82 +gue +1 +up/);
  });

  test("has every column of ipvsadm's list", async () => {
    for (const option of Object.keys(serverColumns)) {
      let rows: readonly (readonly string[])[] = [];
      await guest
        .waitFor(
          `both list the same with "${option}"`,
          async () => {
            const text = await guest.text(`${list(option)}; echo; ${edgeHa} status --json`);
            const [theirs = "", json = ""] = text.split(/\n\n/);
            rows = [listRows((JSON.parse(json) as NodeStatus).services, option), ipvsadmRows(theirs)];
            return JSON.stringify(rows[0]) === JSON.stringify(rows[1]);
          },
          30_000,
        )
        .catch((error: unknown) => {
          throw new Error(rows.map((of) => of.join("\n")).join("\n\n"), { cause: error });
        });
    }
  });

  test("has the rates of ipvsadm while there is traffic", async () => {
    // The kernel's estimate moves every two seconds: ours was read between two of ipvsadm's.
    const inOneGo = `${list("--rate")}; echo; ${edgeHa} status --json; echo; ${list("--rate")}`;
    await guest.waitFor("both see a rate", async () => {
      await ask(`http://${vip}:8080/`, 20);
      const [before = "", json = "", after = ""] = (await guest.text(inOneGo)).split(/\n\n/);
      const { services } = JSON.parse(json) as NodeStatus;
      const ours = trafficRows(services, (traffic) => [
        traffic.connectionsPerS,
        traffic.inPacketsPerS,
        traffic.outPacketsPerS,
        traffic.inBytesPerS,
        traffic.outBytesPerS,
      ]);
      const row = ours.find((line) => line.startsWith(`TCP ${vip}:8080 `) && !line.includes(" 10.98.")) ?? "";
      const isMoving = !row.endsWith(" 0 0 0 0 0");
      return isMoving && [before, after].some((text) => ipvsadmRows(text).includes(row));
    });
  });

  test("names the service of every connection that ipvsadm lists", async () => {
    await ask(`http://${vip}:8080/`);
    await ask(`http://${vip}:85/`, 1);
    await ask(`http://${vip}:8087/`, 1);
    await ask(`http://${vip}:87/`, 1);
    await ask(`http://[${vip6}]/`, 1);
    await askByUdp(53);
    await guest.text(`ip netns exec client python3 /share/guest/ask-sctp.py ${vip} 3868 1`);
    interface Shown {
      readonly protocol: string;
      readonly client: string;
      readonly target: string;
      readonly server: string;
      readonly state: string;
      readonly service: string | null;
    }
    const shown = async (options = ""): Promise<readonly Shown[]> => {
      const text = await guest.text(`${edgeHa} status --connections --json ${options}`);
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Shown);
    };
    let found: readonly Shown[] = [];
    await guest.waitFor("both list the same", async () => {
      const text = await guest.text("ip netns exec lb1 ipvsadm -Lnc");
      found = await shown();
      const theirs = text
        .split("\n")
        .filter((line) => /^(?:TCP|UDP|SCTP|IP) /.test(line))
        .map((line) => line.trim().split(/ +/))
        .map(([protocol, , state, client, target, server]) =>
          [protocol, state, client, target, server].join(" "),
        );
      const ours = found.map((one) => {
        // ipvsadm writes the mark that persistence remembers as an address.
        const target = one.target.replace(/^fwmark (\d+)$/, "0.0.0.$1:0");
        return [one.protocol.toUpperCase(), one.state, one.client, target, one.server].join(" ");
      });
      return ours.length > 0 && JSON.stringify(ours.sort()) === JSON.stringify(theirs.sort());
    });
    const names = new Set(found.map(({ service: name }) => name));
    for (const name of ["nat", "sticky", "marked", "together", "six", "names", "associations"])
      expect(names).toContain(name);
    expect(found.filter(({ service: name }) => name === null)).toEqual([]);
    const nat = found.filter(({ service: name }) => name === "nat");
    expect((await shown("--service nat --server 10.98.0.21")).length).toBeLessThan(nat.length);
    expect(await shown("--client 192.0.2.0/24")).toEqual([]);
  });
});

describe("the table", () => {
  test("is what ipvsadm would have written", async () => {
    const table = await guest.text("ip netns exec lb1 ipvsadm --save -n");
    const lines = table.split("\n").filter((line) => !line.includes(":90") && line !== "");
    expect(lines.sort()).toEqual([...savedTable]);
  });

  test("has every scheduler of this kernel, with its settings", async () => {
    const table = await guest.text("ip netns exec lb1 ipvsadm --save -n");
    for (const [index, scheduler] of schedulers.entries()) {
      const settings = scheduler === "mh" ? " -b mh-fallback,mh-port" : "";
      expect(table).toContain(`-A -t ${vip}:${9000 + index} -s ${scheduler}${settings}\n`);
    }
    const limits = await guest.text("ip netns exec lb1 ipvsadm -Ln --thresholds");
    expect(limits).toMatch(/10\.98\.0\.21:9000 +100 +50 /);
  });

  test("has the weight that a server's agent asks for", async () => {
    const words: Readonly<Record<string, string>> = { drain: "0", "Up, 50%": "50", maint: "", up: "100" };
    for (const [word, weight] of Object.entries(words)) {
      await guest.text(`echo '${word}' >/run/word`);
      await guest.waitFor(`"${word}" is "${weight}"`, async () => {
        const rows = ipvsadmRows(await guest.text(list(""))).map((row) => row.split(" "));
        const row = rows.find(([, place, server]) => place === `${vip}:8082` && server === "10.98.0.21:80");
        return (row?.[4] ?? "") === weight;
      });
    }
  });

  test("stays as it is when the file is read again", async () => {
    const steps = "grep -cE 'director: (add|change|remove) (service|server) ' /run/lb1.log";
    const before = await guest.text(steps);
    await guest.text("ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock reload");
    expect(await guest.text(steps)).toBe(before);
  });

  test("`check --plan` says what a file would change in it, and changes nothing", async () => {
    const check = "ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock check --node lb1 --plan --config";
    expect(await guest.text(`${check} /run/edge-ha.toml`)).toContain(
      "the kernel's table now: as it should be, nothing to change",
    );
    const before = await guest.text("ip netns exec lb1 ipvsadm --save -n");
    await guest.text("sed 's/weight = 3, upper/weight = 4, upper/' /run/edge-ha.toml >/run/other.toml");
    const text = await guest.text(`${check} /run/other.toml`);
    expect(text).toContain(`(${schedulers.length} servers changed):`);
    expect(text).toContain("  change server 10.98.0.21:9000 dr weight 4 of tcp 10.99.0.101:9000\n");
    expect(await guest.text("ip netns exec lb1 ipvsadm --save -n")).toBe(before);
  });

  test("a scheduler that the kernel does not have is named, and the old configuration stays", async () => {
    const change = `sed 's/scheduler = "ovf"/scheduler = "twos"/' -i /run/edge-ha.toml`;
    const { exitCode, stderr, stdout } = await guest.run(
      `${change}; ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock reload`,
    );
    expect(exitCode).toBe(2);
    expect(stdout + stderr).toContain(
      "this kernel has no scheduler twos; load it with `modprobe ip_vs_twos`",
    );
    expect(await guest.text("ip netns exec lb1 ipvsadm --save -n")).toContain("-s ovf\n");
  });

  test("is told of with the servers in it, in keepalived's words", async () => {
    const told = async (): Promise<readonly string[]> =>
      (await guest.text("cat /run/notify.txt")).split("\n");
    const places = [`[${vip}]:tcp:8080`, `[${vip6}]:tcp:80`, `[${vip}]:sctp:3868`, "FWM 9"];
    expect(await told()).toEqual(expect.arrayContaining(places.map((place) => `VS ${place} UP`)));
    await guest.text("kill $(cat /run/echo-rs1.pid)");
    await guest.waitFor("the server is told to be gone", async () => {
      return (await told()).includes(`RS [10.98.0.21]:tcp:80 ${places[0]} DOWN`);
    });
  });

  test("is empty after a stop", async () => {
    await guest.text("kill -TERM $(cat /run/lb1.pid)");
    await guest.waitFor("lb1 has ended", async () => {
      return (await guest.run("kill -0 $(cat /run/lb1.pid)")).exitCode !== 0;
    });
    expect(await guest.text("ip netns exec lb1 ipvsadm --save -n")).toBe("");
    expect(await guest.text("ip netns exec lb1 sysctl -n net.ipv4.vs.conntrack")).toBe("0\n");
  });
});
