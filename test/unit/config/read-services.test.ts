import { describe, expect, test } from "bun:test";
import { base, linesOf, vip } from "./expect-lines.ts";
import { site, web } from "./fixtures.ts";

describe("readConfig on services", () => {
  test("a service without an address is refused", () => {
    expect(linesOf(base + vip + web.replace('vips = ["public"]\n', ""))).toEqual([
      '17:1 service "web".vips: the service answers on no address; write vips = ["public"], or addresses',
    ]);
  });

  test("a service on an unknown VIP is refused", () => {
    expect(linesOf(base + vip + web.replace('"public"', '"publik"'))).toEqual([
      '19:9 service "web".vips[0]: there is no [[vip]] or [[vrrp]] named "publik"; did you mean "public"?',
    ]);
  });

  test("a server's port other than the service's is refused in direct routing", () => {
    expect(linesOf(base + vip + web.replace('8.8"', '8.8", port = 8080'))).toEqual([
      `22:45 service "web".servers[0].port: direct routing changes no port, and 8080 is not the service's 80; leave it out and let the server listen on 80, or write forward = "nat" or "proxy"`,
    ]);
  });

  test("a VIP as a server is refused in direct routing", () => {
    expect(linesOf(base + vip + web.replace('8.8"', '8.100"'))).toEqual([
      `22:24 service "web".servers[0].address: 172.16.8.100 is a virtual address, no server's own; write the server's own address`,
    ]);
  });

  test("a sorry server's port other than the service's is warned of in direct routing", () => {
    expect(linesOf(base + vip + web + 'sorry = "127.0.0.1:8080"\n')).toEqual([
      '23:9 service "web".sorry: warning: direct routing changes no port: connections come to 127.0.0.1 at port 80, not 8080; let the sorry server listen on port 80 of the VIP too, and write that port',
    ]);
  });

  test("a persistence of a fraction of a second is refused", () => {
    expect(linesOf(base + vip + web + 'persistence = "1.5s"\n')).toEqual([
      '23:15 service "web".persistence: persistence is counted in whole seconds, and 1500ms is none; write "2s"',
    ]);
  });

  test("a connect timeout is refused in direct routing", () => {
    expect(linesOf(base + vip + web + 'connect_timeout = "1s"\n')).toEqual([
      '23:19 service "web".connect_timeout: in direct routing nobody but the client connects; remove it, or write forward = "proxy"',
    ]);
  });

  test("the PROXY protocol is a relay's alone", () => {
    const remedy = 'remove it, or write forward = "proxy"';
    expect(linesOf(base + vip + web + 'proxy_protocol = "v2"\n')).toEqual([
      `23:18 service "web".proxy_protocol: the kernel forwards packets and writes nothing into them: servers see the client's address; ${remedy}`,
    ]);
    const relay = web.replace('"dr"', '"proxy"');
    expect(linesOf(`${base}${vip}${relay}proxy_protocol = "v1"\n`)).toEqual([]);
    expect(linesOf(`${base}${vip}${relay}proxy_protocol = true\n`)).toHaveLength(1);
  });

  test("the availability of a relay is held to the same as the kernel's", () => {
    const relay = web.replace('"dr"', '"proxy"');
    const check = 'check = { type = "tcp" }\n';
    const keys =
      'quorum = 1\nalpha = true\ninhibit = true\nslow_start = "10s"\nquorum_down = "/bin/true"\nomega = true\n';
    expect(linesOf(`${base}${vip}${relay}${check}${keys}`.replace('8.8"', '8.8", weight = 100'))).toEqual([]);
    expect(linesOf(`${base}${vip}${relay}${check}quorum = 5\nomega = true\n`)).toEqual([
      '24:10 service "web".quorum: the weights of all servers add up to 1: a quorum of 5 is never reached; write quorum and hysteresis of 1 or less together',
      '25:9 service "web".omega: there is nothing to run at a stop; write quorum_down too, or remove it',
    ]);
  });

  test("persistence of a relay is held to the same as the kernel's, and knows no SIP", () => {
    const relay = web.replace('"dr"', '"proxy"');
    expect(linesOf(`${base}${vip}${relay}persistence = "50s"\npersistence_mask = 24\n`)).toEqual([]);
    expect(linesOf(`${base}${vip}${relay}persistence_mask = 24\npersistence_engine = "sip"\n`)).toEqual([
      '23:20 service "web".persistence_mask: means nothing without persistence; write persistence = "5m" too, or remove it',
      `24:22 service "web".persistence_engine: only the kernel's forwarding knows this; remove it, or let the kernel forward with "dr", "nat" or "tunnel"`,
    ]);
  });

  test("what a relay cannot balance by is refused, and thresholds and flags as with the kernel", () => {
    const relay = web.replace('"dr"', '"proxy"').replace('8.8"', '8.8", lower_threshold = 5');
    expect(linesOf(`${base}${vip}${relay}scheduler = "lblc"\nscheduler_flags = ["port"]\n`)).toEqual([
      '22:56 service "web".servers[0].lower_threshold: a lower threshold means nothing without an upper one; write upper_threshold too',
      '23:13 service "web".scheduler: "lblc" keeps the pages of one site on one cache, and a relay knows no sites; write "wlc", or "dh" to go by the address that clients came to',
      '24:19 service "web".scheduler_flags: only the schedulers "sh" and "mh" have settings, "lblc" has none; remove it, or write scheduler = "mh"',
    ]);
  });

  test("two services on one address and port are refused", () => {
    expect(linesOf(base + vip + web + web.replace('"web"', '"web2"'))).toEqual([
      '26:8 service "web2".port: 172.16.8.100:80 already belongs to the [[service]] in line 17; use another port or address, or put the servers into one service',
    ]);
  });

  test("a server given twice is refused", () => {
    expect(
      linesOf(base + vip + web.replace('"172.16.8.8" }', '"172.16.8.8" }, { address = "172.16.8.8" }')),
    ).toEqual([
      '22:40 service "web".servers[1]: 172.16.8.8:80 is already in the list; remove it here and give the other more weight',
    ]);
  });

  test("a service whose weights are all 0 is warned of", () => {
    expect(linesOf(base + vip + web.replace('8.8"', '8.8", weight = 0'))).toEqual([
      '22:11 service "web".servers: warning: every weight is 0, so no server gets a connection; give one server a weight of 1 or more',
    ]);
  });

  test("a weight out of range is refused", () => {
    expect(linesOf(base + vip + web.replace('8.8"', '8.8", weight = 70000'))).toEqual([
      '22:47 service "web".servers[0].weight: 70000 is not between 0 and 65535; write weight = 1',
    ]);
  });

  test("an unknown scheduler is refused", () => {
    expect(linesOf(base + vip + web + 'scheduler = "rrr"\n')).toEqual([
      '23:13 service "web".scheduler: must be one of "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", …, not "rrr"; write "rr"',
    ]);
  });

  test("a check's timeout above its interval is warned of", () => {
    expect(linesOf(base + vip + web + 'check = { type = "tcp", interval = "1s", timeout = "2s" }\n')).toEqual(
      [
        '23:52 service "web".check.timeout: warning: a timeout of 2s is longer than the interval of 1s: checks come late; write timeout = "1s" or less',
      ],
    );
  });

  test("an unknown kind of check is refused", () => {
    expect(linesOf(base + vip + web + 'check = { type = "htp" }\n')).toEqual([
      '23:18 service "web".check.type: "htp" is no kind of check; write type = "http"',
    ]);
  });
});

describe("readConfig on listeners, upstreams and sites", () => {
  test("two listeners on one socket are refused", () => {
    expect(linesOf(base + site + '[[listener]]\nname = "http2"\naddress = "0.0.0.0:8080"\n')).toEqual([
      '23:1 listener "http2": warning: no [[site]] has it among its listeners: requests get 404; remove it, or name it in a site',
      '25:11 listener "http2".address: 0.0.0.0:8080 is already listened on by the [[listener]] in line 12; use another address or port, or name one listener in both sites',
    ]);
  });

  test("a listener with both an address and vips is refused", () => {
    expect(linesOf(base + vip + site.replace('":8080"', '"172.16.8.100:8080"\nvips = ["public"]'))).toEqual([
      '20:8 listener "http".vips: an address of its own leaves nothing to narrow; write address = ":8080" with vips, or remove vips',
    ]);
  });

  test("a listener behind a service of the kernel's is warned of", () => {
    expect(linesOf(base + vip + web + site.replace("8080", "80"))).toEqual([
      '25:11 listener "http".address: warning: [[service]] "web" takes 172.16.8.100:80 in the kernel, before this listener; use another port, or narrow the listener with vips, unless that is meant',
    ]);
  });

  test("a listener on a relay's socket is refused", () => {
    expect(linesOf(base + vip + web.replace('"dr"', '"proxy"') + site.replace("8080", "80"))).toEqual([
      '25:11 listener "http".address: [[service]] "web" relays 172.16.8.100:80, which this listener would listen on too; use another port, or narrow the listener with vips',
    ]);
  });

  test("a listener beside a relay is fine", () => {
    expect(linesOf(base + vip + web.replace('"dr"', '"proxy"') + site)).toEqual([]);
  });

  test("a listener's port out of range is refused", () => {
    expect(linesOf(base + site.replace("8080", "80800"))).toEqual([
      '14:11 listener "http".address: ":80800" is no address with a port; write address = ":80", or address = "192.0.2.1:80"',
    ]);
  });

  test("an unknown upstream is refused", () => {
    expect(linesOf(base + site.replace('upstream = "apps"', 'upstream = "app"'))).toEqual([
      '15:1 upstream "apps": warning: no [[site.route]] leads to it; remove it, or name it in a route',
      '22:12 site "*".route[0].upstream: there is no [[upstream]] named "app"; did you mean "apps"?',
    ]);
  });

  test("an unknown listener is refused", () => {
    expect(linesOf(base + site.replace('["http"]', '["https"]'))).toEqual([
      '12:1 listener "http": warning: no [[site]] has it among its listeners: requests get 404; remove it, or name it in a site',
      '20:14 site "*".listeners[0]: there is no [[listener]] named "https"; did you mean "http"?',
    ]);
  });

  test("an upstream of backups only is refused", () => {
    expect(linesOf(base + site.replace(':80" }', ':80", backup = true }'))).toEqual([
      '17:11 upstream "apps".servers: every server is a backup; remove backup = true from one of them',
    ]);
  });

  test("two sites with one host on one listener are refused", () => {
    expect(linesOf(base + site + site.slice(site.indexOf("[[site]]")))).toEqual([
      '24:10 site "*".hosts[0]: "*" on listener "http" already belongs to the [[site]] of line 19; put the routes into one site, or choose another host or listener',
    ]);
  });

  test("two routes with one path are refused", () => {
    expect(linesOf(base + site + '[[site.route]]\npath = "/"\nupstream = "apps"\n')).toEqual([
      '24:8 site "*".route "/".path: "/" is already the path of another route of this site, in line 21; remove one of them, or give one another condition',
    ]);
  });

  test("a site without a route is refused", () => {
    expect(linesOf(base + site.slice(0, site.indexOf("[[site.route]]")))).toEqual([
      '15:1 upstream "apps": warning: no [[site.route]] leads to it; remove it, or name it in a route',
      '18:1 site "*": a site without a route answers nothing; add a [[site.route]] with path = "/" and upstream = "…"',
    ]);
  });

  test("nginx's word for a balance is answered with ours", () => {
    expect(linesOf(base + site.replace('name = "apps"', 'name = "apps"\nbalance = "least_conn"'))).toEqual([
      '17:11 upstream "apps".balance: must be one of "round-robin", "least-connections", "random", "two-choices", "source-hash", "consistent-hash", "first", not "least_conn"; write "least-connections"',
    ]);
  });

  test("a size without unit is refused with all readings", () => {
    expect(linesOf(base + site.replace("hosts =", "max_body = 10\nhosts ="))).toEqual([
      '19:12 site "*".max_body: 10 has no unit; write "10k" for KiB, "10m" for MiB or "10b" for bytes',
    ]);
  });

  test("unknown VIPs and keys of [real_server] are refused", () => {
    expect(linesOf(base + vip + '[real_server]\nvips = ["public", "x"]\nstate = "/x"\n')).toEqual([
      '18:19 real_server.vips[1]: there is no [[vip]] or [[vrrp]] named "x"; add a [[vip]] or [[vrrp]] with this name, or use one of "public"',
      "19:1 real_server.state: unknown key; the keys here are vips, addresses, tunnel, agent, health",
    ]);
  });

  test("errors of the schema and of the rules come at once, sorted by place", () => {
    expect(
      linesOf(
        base.replace('user = "nobody"', "worker = 2") +
          vip.replace("191", "0") +
          web.replace("public", "publik") +
          site.replace('http"]', 'htp"]'),
      ),
    ).toEqual([
      '11:1 proxy.worker: unknown key; did you mean "workers"?',
      '15:8 vip "public".vrid: 0 is not between 1 and 255; write vrid = 1 to 255',
      '19:9 service "web".vips[0]: there is no [[vip]] or [[vrrp]] named "publik"; did you mean "public"?',
      '31:14 site "*".listeners[0]: there is no [[listener]] named "htp"; did you mean "http"?',
    ]);
  });
});
