/** A service that others than this machine could reach has to know who calls. */
import type { Credentials } from "./credentials.js";

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\]|::1)$/;

/** `address`: host:port. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address.slice(0, address.lastIndexOf(":")));
}

/** Strangers could call. */
export function isExposed(listen: string, { guard, insecure }: Pick<Credentials, "guard" | "insecure">): boolean {
  return guard === undefined && !insecure && !isLoopback(listen);
}

/** A mistake of whoever configured the service: it does not start. */
export class Exposed extends Error {
  override readonly name = "Exposed";
  constructor(listen: string) {
    super(
      `${listen} can be reached from other machines, and nothing says who may call: give --tls-dir with a certificate and a token ` +
        "(vmcslab certs makes them, docs/security.md), listen on 127.0.0.1, or say --insecure to let everybody in",
    );
  }
}
