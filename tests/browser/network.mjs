// A network of three nodes on loopback that mine a block a second, with faucets, for one run of the test.

import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = process.env.BARRELEYE_PROGRAM;
const SPACING_MS = 1_000;

/** Waits until `find` gives something that is not null; what it throws is what the error says. */
export async function until(what, find, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last = "";
  for (;;) {
    try {
      const found = await find();
      if (found !== null && found !== undefined && found !== false)
        return found;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end)
      throw new Error(`${what}: not within ${seconds} s; ${last}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

function freePort() {
  return new Promise((done, failed) => {
    const server = createServer().once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** A request from one of this machine's loopback addresses; gives the answer or throws what the node says. */
export function ask(url, { method = "GET", body, token, from } = {}) {
  const headers = {
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  };
  return new Promise((done, failed) => {
    const request = http.request(
      url,
      { method, headers, localAddress: from, timeout: 15_000 },
      (reply) => {
        const parts = [];
        reply.on("data", (part) => parts.push(part));
        reply.on("end", () => {
          const text = Buffer.concat(parts).toString();
          if (reply.statusCode >= 400)
            return failed(
              new Error(`${method} ${url}: ${reply.statusCode} ${text}`),
            );
          done(text ? JSON.parse(text) : null);
        });
      },
    );
    request.on("timeout", () =>
      request.destroy(new Error(`${method} ${url}: no answer`)),
    );
    request.on("error", failed);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

class Node {
  constructor(name, net, port) {
    Object.assign(this, {
      name,
      dir: join(net, name),
      log: join(net, `${name}.log`),
      network: join(net, "network.toml"),
      port,
    });
    this.address = `/ip4/127.0.0.1/tcp/${port}`;
  }

  async start(known) {
    const peers = known.flatMap(({ address }) => ["--peer", address]);
    const places = [
      "--listen",
      this.address,
      "--http",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
    ];
    const how = [
      "--mine",
      "--hash-duty",
      "5",
      "--faucet",
      "on",
      "--mdns",
      "off",
      "--upnp",
      "off",
    ];
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith("BARRELEYE_"),
    );
    // A small budget: a few claims bring the work that the page must show.
    const env = {
      ...Object.fromEntries(inherited),
      BARRELEYE_FAUCET_SHARE: "10",
    };
    this.process = spawn(
      PROGRAM,
      [
        "run",
        "--network",
        this.network,
        "--data-dir",
        this.dir,
        ...places,
        ...how,
        ...peers,
      ],
      { env, stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on("data", (text) => appendFileSync(this.log, text));
    const read = (file) => readFileSync(join(this.dir, file), "utf8").trim();
    await until(`${this.name} answers`, async () => {
      if (this.process.exitCode !== null)
        throw new Error(
          `it ended with ${this.process.exitCode}: ${readFileSync(this.log, "utf8").slice(-2000)}`,
        );
      this.url = `http://${read("http.address")}`;
      [this.admin, this.token] = [
        `http://${read("admin.address")}`,
        read("admin.cookie"),
      ];
      return this.get("status");
    });
  }

  get(path) {
    return ask(`${this.url}/v1/${path}`);
  }

  order(path, body = {}) {
    return ask(`${this.admin}/admin/${path}`, {
      method: "POST",
      body,
      token: this.token,
    });
  }

  async id() {
    return readFileSync(join(this.dir, "address"), "utf8")
      .trim()
      .split("/")
      .pop();
  }

  async height() {
    return (await this.get("status")).tip.height;
  }

  stop() {
    this.process?.kill("SIGKILL");
  }
}

/** Starts three nodes and waits until they know one another and have some blocks. */
export async function startNetwork() {
  const dir = mkdtempSync(join(tmpdir(), "barreleye-browser-"));
  const made = spawnSync(PROGRAM, [
    "genesis",
    "new",
    "browser",
    "--like",
    "dev",
    "--spacing",
    String(SPACING_MS),
    "--reward",
    "10",
    "--peers-to-mine",
    "0",
  ]);
  if (made.status !== 0) throw new Error(`genesis new: ${made.stderr}`);
  writeFileSync(join(dir, "network.toml"), made.stdout);
  const nodes = [];
  for (const name of ["alice", "bob", "carol"])
    nodes.push(new Node(name, dir, await freePort()));
  const end = () => {
    nodes.forEach((node) => node.stop());
    rmSync(dir, { recursive: true, force: true });
  };
  // Whatever ends this process ends its nodes.
  process.once("exit", end);
  process.once("SIGTERM", () => process.exit(1));
  try {
    const [alice, ...others] = nodes;
    await alice.start([]);
    for (const node of others) await node.start([alice]);
    for (const node of nodes)
      await until(
        `${node.name} has two peers`,
        async () => (await node.get("status")).peers === 2,
      );
    // Something for each faucet to pay with, and for the charts.
    await alice.order("mint", { blocks: 16 });
    for (const node of others) {
      await until(
        `${node.name} follows`,
        async () => (await node.height()) >= 16,
      );
      await node.order("mint", { blocks: 2 });
    }
  } catch (error) {
    end();
    throw error;
  }
  return { nodes, end };
}
