import { describe, expect, test } from "bun:test";
import { base, linesOf, vip } from "./expect-lines.ts";
import { vip2 } from "./fixtures.ts";

describe("readConfig on tables and names", () => {
  test("an empty file lacks a cluster and nodes", () => {
    expect(linesOf("")).toEqual([
      '1:1 cluster: is missing; write [cluster] with name = "…"',
      "1:1 node: is missing; write a [[node]] with its name and [node.address] for each host",
    ]);
  });

  test("an unknown table is refused with the nearest name", () => {
    expect(linesOf(base + "[servise]\na = 1\n")).toEqual([
      '12:1 servise: unknown key; did you mean "service"?',
    ]);
  });

  test("a single table where a list is meant is refused", () => {
    expect(linesOf(base + "[vip]\nname = 'x'\n")).toEqual([
      "12:1 vip: must be a list of tables; write [[vip]]",
    ]);
  });

  test("a list where a single table is meant is refused", () => {
    expect(linesOf(base.replace("[cluster]", "[[cluster]]"))).toEqual([
      "1:1 cluster: must be one table; write [cluster]",
    ]);
  });

  test("tables of later versions are refused by name", () => {
    expect(linesOf(base + '[admin]\n[notify]\nmail = 1\nscript = "x"\n[[bgp]]\n')).toEqual([
      `12:1 admin: not built yet in this version; remove it; \`edge-ha status\` shows this node's state meanwhile`,
      "14:1 notify.mail: not built yet in this version; remove it; let the script send it meanwhile",
      "16:1 bgp: not built yet in this version; remove it; run the routing daemon beside edge-ha meanwhile",
    ]);
  });

  test("a node that is not in the file is refused", () => {
    expect(linesOf(base + vip.replace('"lb2"', '"lb3"'))).toEqual([
      '16:18 vip "public".prefer[1]: there is no [[node]] named "lb3"; add a [[node]] with this name, or use one of "lb1", "lb2"',
    ]);
  });

  test("a node twice in prefer is refused", () => {
    expect(linesOf(base + vip.replace('"lb2"', '"lb1"'))).toEqual([
      '16:18 vip "public".prefer[1]: "lb1" is already in the list; remove it here',
    ]);
  });
});

describe("readConfig on virtual addresses", () => {
  test("a VIP of one node is warned of", () => {
    expect(linesOf(base + vip.replace(', "lb2"', ""))).toEqual([
      '16:10 vip "public".prefer: warning: only "lb1" may hold the address, so it is gone when that node is; add a second node to the list',
    ]);
  });

  test("a name given twice to VIPs is refused with the other's line", () => {
    expect(linesOf(base + vip + vip2.replace("inside", "public"))).toEqual([
      '18:8 vip "public".name: "public" is already the name of the [[vip]] or [[vrrp]] in line 13; choose another name',
    ]);
  });

  test("a name given twice to nodes is refused", () => {
    expect(linesOf(base.replace('"lb2"', '"lb1"'))).toEqual([
      '8:8 node "lb1".name: "lb1" is already the name of the [[node]] in line 5; choose another name',
    ]);
  });

  test("a VRID given twice on one interface is refused", () => {
    expect(linesOf(base + vip + vip.replace('"public"', '"second"').replace(".100", ".101"))).toEqual([
      '20:8 vip "second".vrid: 191 on eth2 is already the VRID of [[vip]] "public" in line 12; choose another from 1 to 255; every router on a network needs its own',
    ]);
  });

  test("a VRID given twice on different interfaces is fine", () => {
    expect(linesOf(base + vip + vip2)).toEqual([]);
  });

  test("an address given to two VIPs is refused", () => {
    expect(linesOf(base + vip + vip.replace('"public"', '"second"').replace("191", "192"))).toEqual([
      '19:11 vip "second".address: 172.16.8.100 is already an address of [[vip]] "public" in line 14; remove it here or there',
    ]);
  });

  test("an address given twice to one VIP is refused", () => {
    expect(linesOf(base + vip + 'addresses = ["172.16.8.102/24", "172.16.8.100/24"]\n')).toEqual([
      '17:33 vip "public".addresses[1]: 172.16.8.100 is already an address of [[vip]] "public" in line 14; remove it here or there',
    ]);
  });

  test("networks of different size that overlap are warned of", () => {
    expect(
      linesOf(
        base + vip + vip.replace('"public"', '"second"').replace("191", "192").replace("100/24", "101/16"),
      ),
    ).toEqual([
      '19:11 vip "second".address: warning: the network of 172.16.8.101/16 overlaps with that of 172.16.8.100/24 in line 14; give both the same prefix length, as in "172.16.8.101/24"',
    ]);
  });

  test("an address of two nodes is refused", () => {
    expect(linesOf(base.replace("172.16.8.11", "172.16.8.10"))).toEqual([
      '9:41 node "lb2".address.eth2: 172.16.8.10 is already the address of eth2 on [[node]] "lb1"; write the address this interface really has',
    ]);
  });

  test("an address outside every network of its interface is warned of", () => {
    expect(linesOf(base + vip.replace("172.16.8.100", "172.17.8.100") + 'interface = "eth2"\n')).toEqual([
      '14:11 vip "public".address: warning: 172.17.8.100/24 is in no network of eth2 on [[node]] "lb1"; check address and prefix; if it is meant, neighbours need a route to it',
    ]);
  });

  test("an interface that cannot be derived is asked for", () => {
    expect(linesOf(base + vip.replace("172.16.8.100", "172.17.8.100"))).toEqual([
      '12:1 vip "public".interface: no address of [[node]] "lb1" is in the network of 172.17.8.100/24; write interface = "eth1"',
      '12:1 vip "public".interface: no address of [[node]] "lb2" is in the network of 172.17.8.100/24; write interface = "eth1"',
    ]);
  });

  test("a VIP without prefix and interface is asked for either", () => {
    expect(linesOf(base + vip.replace("/24", ""))).toEqual([
      '12:1 vip "public".interface: no address of [[node]] "lb1" is in the network of 172.16.8.100/32; write interface = "eth1", or give the address its prefix, as in "172.16.8.100/24"',
      '12:1 vip "public".interface: no address of [[node]] "lb2" is in the network of 172.16.8.100/32; write interface = "eth1", or give the address its prefix, as in "172.16.8.100/24"',
    ]);
  });

  test("an interface that could be several is asked for", () => {
    expect(linesOf(base.replace('eth2 = "172.16.8.10"', 'eth2 = "10.16.8.12"') + vip2)).toEqual([
      '12:1 vip "inside".interface: several interfaces of [[node]] "lb1" are in the network of 10.16.8.100/24: "eth1", "eth2"; write interface = "eth1"',
    ]);
  });

  test("a table of interfaces without one of the nodes is refused", () => {
    expect(linesOf(base + vip + 'interface = { lb1 = "eth2" }\n')).toEqual([
      '17:13 vip "public".interface: names no interface for "lb2"; add lb2 = "eth1"',
    ]);
  });

  test("a table of interfaces with a node that does not exist is refused", () => {
    expect(linesOf(base + vip + 'interface = { lb1 = "eth2", lb2 = "eth2", lb9 = "eth2" }\n')).toEqual([
      '17:43 vip "public".interface.lb9: there is no [[node]] named "lb9"; add a [[node]] with this name, or use one of "lb1", "lb2"',
    ]);
  });

  test("the first and last address of a network are refused", () => {
    expect(linesOf(base + vip.replace("8.100", "8.0") + vip2.replace("8.100", "8.255"))).toEqual([
      '14:11 vip "public".address: 172.16.8.0/24 is the network itself; write an address of a host in it, or correct the prefix',
      `19:11 vip "inside".address: 10.16.8.255/24 is the network's broadcast address; write an address of a host in it, or correct the prefix`,
    ]);
  });

  test("an own address that can be no host's is refused", () => {
    expect(linesOf(base.replace("172.16.8.11", "127.0.0.1"))).toEqual([
      '9:41 node "lb2".address.eth2: "127.0.0.1" is no address of a host; write eth1 = "192.0.2.10"',
    ]);
  });

  test("a VIP that can be no host's is refused", () => {
    expect(linesOf(base + vip.replace("172.16.8.100/24", "224.0.0.1/24"))).toEqual([
      '14:11 vip "public".address: 224.0.0.1 is no address of a host; write address = "192.0.2.100/24"',
    ]);
  });
});

describe("readConfig on the protocol", () => {
  test("PASS with version 3 is refused", () => {
    expect(
      linesOf(base.replace("vrrp_version = 2", 'vrrp_version = 3\nauth = { type = "pass", password = "x" }')),
    ).toEqual([
      "4:8 cluster.auth: PASS authentication exists in version 2 only; remove it, or write vrrp_version = 2 in [cluster] (version = 2 in a [[vrrp]])",
    ]);
  });

  test("a way to make the checksum is refused in version 2", () => {
    const router = `[[vrrp]]\nname = "r"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 2, lb2 = 1 }\naddresses = ["10.16.8.7"]\nchecksum = "message-only"\n`;
    expect(linesOf(base + router)).toEqual([
      '18:12 vrrp "r".checksum: version 2 has one way to make the checksum; remove it, or write version = 3',
    ]);
    expect(linesOf(`${base}${router}version = 3\n`)).toEqual([]);
  });

  test("authentication without its type is refused", () => {
    expect(linesOf(base.replace("vrrp_version = 2", 'auth = { password = "x" }'))).toEqual([
      '3:8 cluster.auth.type: is missing; write auth = { type = "pass", password = "…" }, or auth = { type = "hmac", keys = { 1 = "hex:…" } } in version 3',
    ]);
  });

  test("an interval that version 3 cannot express is refused", () => {
    expect(linesOf(base.replace("vrrp_version = 2", 'advert_interval = "15ms"'))).toEqual([
      '3:19 cluster.advert_interval: version 3 counts hundredths of a second, and 15ms is no multiple of 10ms; write "20ms"',
    ]);
  });

  test("an interval above what version 3 can express is refused", () => {
    expect(linesOf(base.replace("vrrp_version = 2", 'advert_interval = "41s"'))).toEqual([
      '3:19 cluster.advert_interval: version 3 goes up to 40.95s, and 41s is more; write "40s" or less',
    ]);
  });

  test("a duration without unit is refused with both readings", () => {
    expect(linesOf(base.replace("vrrp_version = 2", "advert_interval = 1"))).toEqual([
      '3:19 cluster.advert_interval: 1 has no unit; write "1s" for seconds or "1ms" for milliseconds',
    ]);
  });

  test("a group that is no multicast address is refused", () => {
    expect(linesOf(base.replace("vrrp_version = 2", 'group = "10.0.0.1"'))).toEqual([
      '3:9 cluster.group: 10.0.0.1 is no IPv4 multicast group; write one of 224.0.0.0/4, as in group = "224.0.0.18"',
    ]);
  });

  test("an IPv6 group is refused", () => {
    expect(linesOf(base.replace("vrrp_version = 2", 'group = "ff02::12"'))).toEqual([
      '3:9 cluster.group: ff02::12 is no IPv4 multicast group; write one of 224.0.0.0/4, as in group = "224.0.0.18"',
    ]);
  });
});

describe("readConfig on sync groups and tracks", () => {
  test("a sync group with an unknown member is refused", () => {
    expect(linesOf(base + vip + '[[sync_group]]\nname = "g"\nvips = ["public", "publik"]\n')).toEqual([
      '19:19 sync_group "g".vips[1]: there is no [[vip]] or [[vrrp]] named "publik"; did you mean "public"?',
    ]);
  });

  test("a sync group of one is warned of", () => {
    expect(linesOf(base + vip + '[[sync_group]]\nname = "g"\nvips = ["public"]\n')).toEqual([
      '19:8 sync_group "g".vips: warning: has a single member, which moves as it would without a group; add the others that move with it, or remove the group',
    ]);
  });

  test("a member of two sync groups is refused", () => {
    expect(
      linesOf(
        base +
          vip +
          vip2 +
          '[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n[[sync_group]]\nname = "h"\nvips = ["inside", "public"]\n',
      ),
    ).toEqual([
      '27:9 sync_group "h".vips[0]: "inside" is already in [[sync_group]] "g"; remove it from one of them, or make the two groups one',
      '27:19 sync_group "h".vips[1]: "public" is already in [[sync_group]] "g"; remove it from one of them, or make the two groups one',
    ]);
  });

  test("a sync group whose members prefer different nodes is refused", () => {
    expect(
      linesOf(
        base +
          vip +
          vip2.replace('"lb1", "lb2"', '"lb2", "lb1"') +
          '[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n',
      ),
    ).toEqual([
      '24:19 sync_group "g".vips[1]: "inside" belongs on "lb2" first, but "public" on "lb1": they cannot move together; give all members the same order of nodes, or make two groups',
    ]);
  });

  test("a sync group whose members differ in preempt is refused", () => {
    expect(
      linesOf(
        base + vip + vip2 + 'preempt = false\n[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n',
      ),
    ).toEqual([
      '25:19 sync_group "g".vips[1]: "inside" and "public" differ in preempt: on return of a node one would move and the other stay; write the same preempt in both',
    ]);
  });

  test.each(["preempt_delay", "startup_delay"])(
    "a sync group whose members differ in %s is refused",
    (key) => {
      const group = '[[sync_group]]\nname = "g"\nvips = ["public", "inside"]\n';
      expect(linesOf(`${base}${vip}${vip2}${key} = "5s"\n${group}`)).toEqual([
        `25:19 sync_group "g".vips[1]: "inside" and "public" differ in ${key}: on return of a node one would move and the other stay; write the same ${key} in both`,
      ]);
    },
  );

  test("a delay of what preempt = false forbids is refused", () => {
    expect(linesOf(`${base}${vip}preempt = false\npreempt_delay = "5s"\n`)).toEqual([
      '18:17 vip "public".preempt_delay: delays what preempt = false forbids: a node that comes back never preempts; remove it, or write preempt = true',
    ]);
    const inherited = base.replace("[[node]]", 'preempt = false\npreempt_delay = "5s"\n[[node]]');
    expect(linesOf(inherited)).toHaveLength(1);
    expect(linesOf(`${base}${vip}preempt_delay = "5s"\n`)).toEqual([]);
  });

  test("a number of frames for a refresh that there is not is refused", () => {
    expect(linesOf(`${base}${vip}garp = { refresh_count = 2 }\n`)).toEqual([
      '17:26 vip "public".garp.refresh_count: means something with refresh only; remove it, or write refresh = "60s"',
    ]);
    expect(linesOf(`${base}${vip}garp = { refresh = "60s", refresh_count = 2 }\n`)).toEqual([]);
  });

  test("a single interval until the active node counts as gone is refused", () => {
    expect(linesOf(`${base}${vip}down_after = 1\n`)).toEqual([
      '17:14 vip "public".down_after: 1 is not between 2 and 255; write down_after = 3',
    ]);
  });

  test("a weight too small to move anything is warned of", () => {
    expect(linesOf(base + vip + '[[track]]\nscript = "/x"\nweight = -4\n')).toEqual([
      '19:10 track[0].weight: warning: -4 does not take "public" below its second node, which is 4 lower; write weight = -5 or lower, or weight = 0 to withdraw the claim',
    ]);
  });

  test("a script's timeout above its interval is warned of", () => {
    expect(linesOf(base + vip + '[[track]]\nscript = "/x"\ninterval = "1s"\ntimeout = "2s"\n')).toEqual([
      '20:11 track[0].timeout: warning: 2s is longer than the interval of 1s: runs would be left out; write timeout = "1s" or less',
    ]);
  });

  test("a track that does not exist is refused", () => {
    expect(linesOf(base + vip + 'track = ["y"]\n[[track]]\nscript = "/bin/x"\n')).toEqual([
      '17:10 vip "public".track[0]: there is no [[track]] named "y"; did you mean "x"?',
      "18:1 track[0]: warning: no [[vip]] or [[vrrp]] depends on it, so it is not run; remove it, or widen its vips",
    ]);
  });

  test("a track whose vips exclude the VIP that names it is refused", () => {
    expect(
      linesOf(base + vip + 'track = ["x"]\n' + vip2 + '[[track]]\nscript = "/bin/x"\nvips = ["inside"]\n'),
    ).toEqual([
      '17:10 vip "public".track[0]: the vips of [[track]] "x" do not have "public" among them; add "public" there, or remove the track here',
    ]);
  });

  test("a track that nothing depends on is warned of", () => {
    expect(linesOf(base + vip + 'track = []\n[[track]]\nscript = "/bin/x"\n')).toEqual([
      "18:1 track[0]: warning: no [[vip]] or [[vrrp]] depends on it, so it is not run; remove it, or widen its vips",
    ]);
  });

  test("a script with an open quote is refused", () => {
    expect(linesOf(base + vip + '[[track]]\nscript = "x \'y"\n')).toEqual([
      '18:10 track[0].script: has a quote that is not closed; write script = "/usr/local/bin/check-uplink"',
    ]);
  });
});
