import { Secret } from "@vmcslab/runtime";
import { expect, test } from "vitest";
import { childEnvironment } from "./child-environment.js";

test("children know no address and no secret of their user's, only how to log in at the NATS server of the run", () => {
  const own = {
    PATH: "/bin",
    TLS_DIR: "tls",
    VMCSLAB_TOKEN: "t",
    NATS_PASSWORD_FILE: "f",
    NATS_CA: "ca.crt",
    GRPC_LISTEN: "0.0.0.0:1",
    CPU_LEASE: "1s",
  };
  expect(childEnvironment(own, "warn", { user: "u", password: new Secret("p") })).toEqual({
    PATH: "/bin",
    NATS_CA: "ca.crt",
    NATS_USER: "u",
    NATS_PASSWORD: "p",
    VMCSLAB_LOG_LEVEL: "warn",
  });
});
