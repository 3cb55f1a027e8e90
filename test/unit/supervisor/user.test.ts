import { expect, test } from "bun:test";
import { chooseUser, findUser } from "../../../src/supervisor/user.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\nedge-ha:x:987:986::/nonexistent:/usr/sbin/nologin\n";

test("findUser() reads ids from passwd lines", () => {
  expect(findUser(passwd, "edge-ha")).toEqual({ name: "edge-ha", uid: 987, gid: 986 });
});

test("findUser() gives null when nobody has that name", () => {
  expect(findUser(passwd, "edge")).toBeNull();
});

test("chooseUser() takes nobody where the usual user is missing, and refuses where a chosen one is", () => {
  const bare = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n";
  expect(chooseUser(passwd, "edge-ha").uid).toBe(987);
  expect(chooseUser(bare, "edge-ha").name).toBe("nobody");
  expect(() => chooseUser(bare, "www-dat")).toThrow("there is no user www-dat to run the proxies as");
});
