/** `vmcslab/testcontainers`: a nested host of containers under your tests. Needs the package `testcontainers`; nothing else here loads it. */
export { VMCS12_REVISION, vmcs12Instructions } from "@vmcslab/lab";
export * from "@vmcslab/testcontainers";
