// A stand-in for testcontainers/ryuk, for machines that cannot pull it. Clients connect to port 8080
// and send lines of filters, `label=a=b&label=c=d`; each is answered ACK. When the last client has been
// gone for RYUK_RECONNECTION_TIMEOUT, all containers, networks, volumes and images that match one of
// those filters are removed, and this process ends.
import { request } from "node:http";
import { createServer } from "node:net";

const seconds = (name, otherwise) => Number.parseInt(process.env[name] ?? "", 10) || otherwise;
const firstMs = 1000 * seconds("RYUK_CONNECTION_TIMEOUT", 60);
const againMs = 1000 * seconds("RYUK_RECONNECTION_TIMEOUT", 10);

const filters = new Set();
let clients = 0;
let timer = setTimeout(prune, firstMs);

function engine(method, path) {
  return new Promise((resolve) => {
    const req = request({ socketPath: "/var/run/docker.sock", method, path }, (res) => {
      let body = "";
      res.on("data", (d) => (body += d));
      res.on("end", () => resolve(res.statusCode < 300 && body ? JSON.parse(body) : undefined));
    });
    req.on("error", () => resolve(undefined));
    req.end();
  });
}

async function prune() {
  for (const filter of filters) {
    const f = encodeURIComponent(JSON.stringify({ label: JSON.parse(filter) }));
    const containers = (await engine("GET", `/containers/json?all=1&filters=${f}`)) ?? [];
    await Promise.all(
      containers
        .filter((c) => c.Labels["org.testcontainers.ryuk"] !== "true")
        .map((c) => engine("DELETE", `/containers/${c.Id}?force=1&v=1`)),
    );
    for (const n of (await engine("GET", `/networks?filters=${f}`)) ?? []) await engine("DELETE", `/networks/${n.Id}`);
    for (const v of (await engine("GET", `/volumes?filters=${f}`))?.Volumes ?? [])
      await engine("DELETE", `/volumes/${v.Name}?force=1`);
    for (const i of (await engine("GET", `/images/json?filters=${f}`)) ?? [])
      await engine("DELETE", `/images/${i.Id}?force=1`);
    console.log(`Removed containers=${containers.length} for ${filter}`);
  }
  process.exit(0);
}

createServer((socket) => {
  clients++;
  clearTimeout(timer);
  let rest = "";
  socket.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const labels = new URLSearchParams(line.trim().replaceAll("+", "%2B")).getAll("label").sort();
      if (labels.length > 0) filters.add(JSON.stringify(labels));
      socket.write("ACK\n");
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clients--;
    if (clients === 0) timer = setTimeout(prune, againMs);
  });
}).listen(8080, () => console.log("Started"));
