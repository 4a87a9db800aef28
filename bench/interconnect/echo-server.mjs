/** The floors' server, a process of its own: a bare @grpc/grpc-js service that sends back what it gets, unary and over a bidirectional stream, and a TCP socket that does the same. */
import { createServer } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ECHO } from "./echo-service.mjs";

const grpc = new Server({ "grpc.max_concurrent_streams": 4096 });
grpc.addService(ECHO, {
  unary: (call, callback) => callback(null, call.request),
  stream: (stream) => {
    stream.on("data", (message) => stream.write(message));
    stream.on("end", () => stream.end());
    stream.on("error", () => undefined);
  },
});
const tcp = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => undefined);
});
grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, grpcPort) => {
  if (error !== null) throw error;
  tcp.listen(0, "127.0.0.1", () => process.send({ grpcPort, tcpPort: tcp.address().port }));
});
process.once("disconnect", () => process.exit(0));
