/** A host over gRPC: L0's client in the shape that workloads use. */
import { Credentials, L0Client } from "@vmcslab/runtime";
import type { Host } from "../host.js";

/** `address`: host:port of L0. */
export function grpcHost(address: string, credentials: Credentials = Credentials.none): Host {
  const client = new L0Client(address, credentials);
  return {
    createVcpu: async (request) => {
      const answer = await client.createVcpu(request);
      return answer.ok ? { ok: true, value: { vcpu: answer.value } } : answer;
    },
    destroyVcpu: (vcpu) => client.destroyVcpu(vcpu),
    listVcpus: async () => {
      const answer = await client.listVcpus();
      return answer.ok ? { ok: true, value: answer.value.map(({ vcpu }) => vcpu) } : answer;
    },
    runL1: (vcpu, instructions) => client.runL1(vcpu, instructions),
    guestExit: (request) => client.guestExit(request),
    placeVcpu: (vcpu, cpu) => client.placeVcpu(vcpu, cpu),
    nestedState: (vcpu) => client.nestedState(vcpu),
    counters: async () => {
      const answer = await client.host();
      return answer.ok ? { ok: true, value: answer.value.counters } : answer;
    },
    close: async () => client.close(),
  };
}
