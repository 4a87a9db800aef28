/** The floors' client, a process of its own. */
import { connect } from "node:net";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { CHANNEL_OPTIONS } from "../../packages/runtime/dist/rpc/channel-options.js";
import { ECHO } from "./echo-service.mjs";
import { answerParent, atOnce, oneByOne, quantile, withCpuTime } from "./measure.mjs";

const clients = [];

class Echoes {
  constructor({ grpcPort, tcpPort, bytes }) {
    this.message = Buffer.alloc(bytes, 7);
    this.client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), CHANNEL_OPTIONS);
    const { path, requestSerialize, responseDeserialize } = ECHO.stream;
    this.stream = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.stream.on("error", () => undefined);
    this.waiting = [];
    this.stream.on("data", () => this.waiting.shift()());
    this.socket = connect({ port: tcpPort, host: "127.0.0.1", noDelay: true });
    this.received = 0;
    this.pings = [];
    this.socket.on("data", (chunk) => {
      for (this.received += chunk.length; this.received >= bytes; this.received -= bytes) this.pings.shift()();
    });
  }

  unary = (done) => {
    const { path, requestSerialize, responseDeserialize } = ECHO.unary;
    const deadline = { deadline: Date.now() + 5000 };
    this.client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      this.message,
      new Metadata(),
      deadline,
      (error) => {
        if (error !== null) throw error;
        done();
      },
    );
  };

  streamed = (done) => {
    this.waiting.push(done);
    this.stream.write(this.message);
  };

  tcp = (done) => {
    this.pings.push(done);
    this.socket.write(this.message);
  };
}

answerParent({
  connect: (ports) => {
    clients.push(...ports.map((each) => new Echoes(each)));
  },
  async latency({ kind, count }) {
    const times = await oneByOne(count, clients[0][kind]);
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  },
  throughput: ({ kind, count, inFlight }) => withCpuTime(count, () => atOnce(count, inFlight, clients[0][kind])),
  async cpuOneByOne({ kind, count }) {
    const { cpuNs } = await withCpuTime(count, () => oneByOne(count, clients[0][kind]));
    return { cpuNs };
  },
  /** One message after the other to the servers in turn, against one to each at once. */
  async spread({ count }) {
    const begin = (client) => new Promise((resolve) => client.streamed(resolve));
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) await begin(clients[i % clients.length]);
    const sequential = Number(process.hrtime.bigint() - start);
    const again = process.hrtime.bigint();
    await Promise.all(clients.map(begin));
    return { sequential, together: Number(process.hrtime.bigint() - again) };
  },
});
