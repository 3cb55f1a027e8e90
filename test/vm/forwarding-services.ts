/** What the forwarding tests configure. */

/** The virtual addresses of lb1; the last one does not accept. */
export const vip = "10.99.0.101";
export const vip6 = "2001:db8:99::101";
export const closedVip = "10.99.0.102";

/** Every scheduler of Debian's kernel. */
export const schedulers: readonly string[] = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "lblcr",
  "dh",
  "sh",
  "sed",
  "nq",
  "fo",
  "ovf",
  "mh",
];

const servers = 'servers = [{ address = "10.98.0.21" }, { address = "10.98.0.22" }]';
const translated = 'servers = [{ address = "10.98.0.21", port = 80 }, { address = "10.98.0.22", port = 80 }]';
/** A server without a way back to clients. */
const strandedServer = 'servers = [{ address = "10.98.0.23", port = 80 }]';
const check = 'check = { type = "tcp", port = 80, interval = "2s", timeout = "1s" }';

/** The balancer is one of the servers. */
const withItself: readonly string[] = [
  check.replace("80", "99"),
  `servers = [${["21", "22", "1"].map((part) => `{ address = "10.98.0.${part}", port = 99 }`).join(", ")}]`,
];

/** A server that is up when it is this one that answers at the VIP. */
function byVip(number: 1 | 2): string {
  const seen = `via = "vip", body_match = "^rs${number} 98 10.98.0.1"`;
  return `{ address = "10.98.0.2${number}", check = { type = "http", ${seen}, timeout = "2s", retry_delay = "100ms" } }`;
}

function service(name: string, ...lines: readonly string[]): string {
  const place = lines.some((line) => /^(fwmark|addresses|vips)/.test(line)) ? [] : ['vips = ["v4"]'];
  return ["[[service]]", `name = "${name}"`, ...place, ...lines].join("\n");
}

/** lb1 with a service for every way to its servers. */
export const config: string = [
  '[cluster]\nname = "forwarding"\nadvert_interval = "500ms"',
  '[[node]]\nname = "lb1"\naddress = { eth0 = ["10.99.0.11/24", "2001:db8:99::11/64"], eth1 = "10.98.0.1/24" }',
  '[notify]\nfifo = "/run/notify"\nservices = true',
  `[[vip]]\nname = "v4"\naddress = "${vip}/24"\ninterface = "eth0"\nvrid = 51\nprefer = ["lb1"]`,
  `[[vip]]\nname = "v6"\naddress = "${vip6}/64"\ninterface = "eth0"\nvrid = 51\nprefer = ["lb1"]`,
  `[[vip]]\nname = "closed"\naddress = "${closedVip}/24"\ninterface = "eth0"\nvrid = 52\nprefer = ["lb1"]\naccept = false`,
  service("nat", "port = 8080", 'forward = "nat"', 'scheduler = "rr"', check, translated),
  service("ipip", "port = 81", 'forward = "tunnel"', 'scheduler = "rr"', check, servers),
  service("gue", "port = 82", 'forward = "tunnel"', 'tunnel = { type = "gue", port = 5555 }', check, servers),
  service("gre", "port = 83", 'forward = "tunnel"', 'tunnel = { type = "gre" }', check, servers),
  ...(["full", "remote"] as const).map((checksum, index) =>
    service(
      `gue-${checksum}`,
      `port = ${91 + index}`,
      'forward = "tunnel"',
      `tunnel = { type = "gue", port = 5555, checksum = "${checksum}" }`,
      servers,
    ),
  ),
  service(
    "gre-full",
    "port = 94",
    'forward = "tunnel"',
    'tunnel = { type = "gre", checksum = "full" }',
    servers,
  ),
  service("mixed", `addresses = ["${vip6}"]`, "port = 93", 'forward = "tunnel"', 'scheduler = "rr"', servers),
  ...(["ipip", "gue", "gre"] as const).map((type, index) =>
    service(
      `${type}-over-six`,
      `port = ${95 + index}`,
      'forward = "tunnel"',
      'scheduler = "rr"',
      `tunnel = { type = "${type}"${type === "gue" ? ", port = 5555" : ""} }`,
      'servers = [{ address = "2001:db8:98::21" }, { address = "2001:db8:98::22" }]',
    ),
  ),
  service(
    "by-vip",
    "port = 98",
    'forward = "dr"',
    'scheduler = "rr"',
    `servers = [${byVip(1)}, ${byVip(2)}]`,
  ),
  service("dr", "port = 84", 'forward = "dr"', 'scheduler = "rr"', servers),
  service("own-dr", "port = 99", 'forward = "dr"', 'scheduler = "rr"', ...withItself),
  service("own-nat", "port = 8083", 'forward = "nat"', 'scheduler = "rr"', ...withItself),
  service(
    "sticky",
    'ports = ["85-86"]',
    'forward = "nat"',
    'persistence = "60s"',
    "persistence_mask = 24",
    servers,
  ),
  service(
    "names",
    "port = 53",
    'protocol = "udp"',
    'forward = "nat"',
    'scheduler = "rr"',
    translated.replaceAll("80", "5353"),
  ),
  service(
    "datagrams",
    "port = 5353",
    'protocol = "udp"',
    'forward = "dr"',
    'scheduler = "rr"',
    "one_packet = true",
    servers,
  ),
  service(
    "calls",
    "port = 5060",
    'protocol = "udp"',
    'forward = "nat"',
    'scheduler = "rr"',
    'persistence = "60s"',
    'persistence_engine = "sip"',
    translated.replaceAll("80", "5353"),
  ),
  service("marked", "fwmark = 7", 'forward = "nat"', 'scheduler = "rr"', translated),
  service(
    "together",
    'vips = ["v4"]',
    'ports = ["87-88", 90]',
    "fwmark = 9",
    'forward = "nat"',
    'persistence = "60s"',
    servers,
  ),
  service(
    "six",
    `addresses = ["${vip6}"]`,
    "port = 80",
    'forward = "nat"',
    'scheduler = "rr"',
    'servers = [{ address = "2001:db8:98::21" }, { address = "2001:db8:98::22" }]',
  ),
  service(
    "closed",
    'vips = ["closed"]',
    "port = 8080",
    'forward = "nat"',
    'scheduler = "rr"',
    check,
    translated,
  ),
  service(
    "asked",
    "port = 8082",
    'forward = "nat"',
    'check = { type = "agent", port = 9000, interval = "2s", timeout = "2s" }',
    'servers = [{ address = "10.98.0.21", port = 80, weight = 100 }]',
  ),
  service("associations", "port = 3868", 'protocol = "sctp"', 'forward = "nat"', 'scheduler = "rr"', servers),
  service("masked", "port = 8081", 'forward = "nat"', 'snat = "clients"', strandedServer),
  service(
    "masked-six",
    `addresses = ["${vip6}"]`,
    "port = 81",
    'forward = "nat"',
    'snat = "clients"',
    'servers = [{ address = "2001:db8:98::23", port = 80 }]',
  ),
  service("masked-mark", "fwmark = 11", 'forward = "nat"', 'snat = "clients"', strandedServer),
  ...schedulers.map((scheduler, index) =>
    service(
      `by-${scheduler}`,
      `port = ${9000 + index}`,
      'forward = "dr"',
      `scheduler = "${scheduler}"`,
      ...(scheduler === "mh" ? ['scheduler_flags = ["fallback", "port"]'] : []),
      'servers = [{ address = "10.98.0.21", weight = 3, upper_threshold = 100, lower_threshold = 50 }]',
    ),
  ),
].join("\n");

/** Lines of `ipvsadm --save` for both servers of a service. */
function bothLines(key: string, options: string, port = 80): readonly string[] {
  return ["21", "22"].map((part) => `-a ${key} -r 10.98.0.${part}:${port} ${options}`);
}

/** The lines of a service at the IPv4 address with tunnels to both servers over IPv6. */
function sixLines(port: number, type: string): readonly string[] {
  const key = `-t ${vip}:${port}`;
  const line = (part: string): string =>
    `-a ${key} -r [2001:db8:98::${part}]:${port} -i -w 1 --tun-type ${type}`;
  return [`-A ${key} -s rr`, line("21"), line("22")];
}

/** What `ipvsadm --save -n` writes of all of them but those by scheduler, sorted. */
export const savedTable: readonly string[] = [
  `-A -u ${vip}:5060 -s rr -p 60 --pe sip`,
  ...bothLines(`-u ${vip}:5060`, "-m -w 1", 5353),
  `-A -t ${vip}:8080 -s rr`,
  ...bothLines(`-t ${vip}:8080`, "-m -w 1"),
  `-A -t ${vip}:81 -s rr`,
  ...bothLines(`-t ${vip}:81`, "-i -w 1 --tun-type ipip", 81),
  `-A -t ${vip}:82 -s wrr`,
  ...bothLines(`-t ${vip}:82`, "-i -w 1 --tun-type gue --tun-port 5555 --tun-nocsum", 82),
  `-A -t ${vip}:83 -s wrr`,
  ...bothLines(`-t ${vip}:83`, "-i -w 1 --tun-type gre --tun-nocsum", 83),
  `-A -t ${vip}:94 -s wrr`,
  ...bothLines(`-t ${vip}:94`, "-i -w 1 --tun-type gre --tun-csum", 94),
  `-A -t ${vip}:91 -s wrr`,
  ...bothLines(`-t ${vip}:91`, "-i -w 1 --tun-type gue --tun-port 5555 --tun-csum", 91),
  `-A -t ${vip}:92 -s wrr`,
  ...bothLines(`-t ${vip}:92`, "-i -w 1 --tun-type gue --tun-port 5555 --tun-remcsum", 92),
  `-A -t [${vip6}]:93 -s rr`,
  ...bothLines(`-t [${vip6}]:93`, "-i -w 1 --tun-type ipip", 93),
  ...sixLines(95, "ipip"),
  ...sixLines(96, "gue --tun-port 5555 --tun-nocsum"),
  ...sixLines(97, "gre --tun-nocsum"),
  `-A -t ${vip}:98 -s rr`,
  ...bothLines(`-t ${vip}:98`, "-g -w 1", 98),
  `-A -t ${vip}:99 -s rr`,
  ...bothLines(`-t ${vip}:99`, "-g -w 1", 99),
  `-a -t ${vip}:99 -r 10.98.0.1:99 -g -w 1`,
  `-A -t ${vip}:8083 -s rr`,
  ...bothLines(`-t ${vip}:8083`, "-m -w 1", 99),
  `-a -t ${vip}:8083 -r 10.98.0.1:99 -m -w 1`,
  `-A -t ${vip}:84 -s rr`,
  ...bothLines(`-t ${vip}:84`, "-g -w 1", 84),
  `-A -t ${vip}:85 -s wrr -p 60 -M 255.255.255.0`,
  ...bothLines(`-t ${vip}:85`, "-m -w 1", 85),
  `-A -t ${vip}:86 -s wrr -p 60 -M 255.255.255.0`,
  ...bothLines(`-t ${vip}:86`, "-m -w 1", 86),
  `-A -u ${vip}:5353 -s rr -o`,
  ...bothLines(`-u ${vip}:5353`, "-g -w 1", 5353),
  `-A -u ${vip}:53 -s rr`,
  ...bothLines(`-u ${vip}:53`, "-m -w 1", 5353),
  "-A -f 9 -s wrr -p 60",
  ...bothLines("-f 9", "-m -w 1", 0),
  "-A -f 7 -s rr",
  ...bothLines("-f 7", "-m -w 1"),
  `-A -t ${closedVip}:8080 -s rr`,
  ...bothLines(`-t ${closedVip}:8080`, "-m -w 1"),
  `-A --sctp-service ${vip}:3868 -s rr`,
  ...bothLines(`--sctp-service ${vip}:3868`, "-m -w 1", 3868),
  `-A -t ${vip}:8082 -s wrr`,
  `-a -t ${vip}:8082 -r 10.98.0.21:80 -m -w 100`,
  `-A -t ${vip}:8081 -s wrr`,
  `-a -t ${vip}:8081 -r 10.98.0.23:80 -m -w 1`,
  `-A -t [${vip6}]:81 -s wrr`,
  `-a -t [${vip6}]:81 -r [2001:db8:98::23]:80 -m -w 1`,
  "-A -f 11 -s wrr",
  "-a -f 11 -r 10.98.0.23:80 -m -w 1",
  `-A -t [${vip6}]:80 -s rr`,
  ...["21", "22"].map((part) => `-a -t [${vip6}]:80 -r [2001:db8:98::${part}]:80 -m -w 1`),
].sort();
