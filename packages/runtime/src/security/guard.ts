import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { ruleOf, type Who } from "./access.js";
import { identityOf, kindOf, type ServiceName } from "./identity.js";
import { isToken } from "./secret.js";

type AuthContext = ReturnType<ServerInterceptingCall["getAuthContext"]>;
type Refusal = Parameters<ServerInterceptingCall["sendStatus"]>[0];

/** Whose call it is. `trusted`: nobody asked, since authentication is off. */
export type Caller =
  | { readonly kind: "trusted" }
  | { readonly kind: "service"; readonly name: ServiceName }
  | { readonly kind: "person" }
  | { readonly kind: "stranger" };

export const TRUSTED: Caller = { kind: "trusted" };

/** What a call says of whose it is. */
export interface Presented {
  readonly metadata: Metadata;
  getAuthContext(): AuthContext;
}

const BEARER = /^bearer +(?<token>\S+)$/i;

/** Asks once per call, and so once per stream, who it is and whether they may. */
export class Guard {
  readonly #tokenDigest: Buffer;

  constructor(tokenDigest: Buffer) {
    this.#tokenDigest = tokenDigest;
  }

  /** A certificate says more than a token: it is one service's. */
  callerOf(call: Presented): Caller {
    const certificate = call.getAuthContext().sslPeerCertificate;
    const name = certificate === undefined ? undefined : identityOf(certificate);
    if (name !== undefined) return { kind: "service", name };
    return { kind: this.isPerson(String(call.metadata.get("authorization")[0] ?? "")) ? "person" : "stranger" };
  }

  /** Whether an `authorization` header has the token. */
  isPerson(authorization: string): boolean {
    const token = BEARER.exec(authorization)?.groups?.token;
    return token !== undefined && isToken(token, this.#tokenDigest);
  }

  readonly interceptor: ServerInterceptor = (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const refusal = this.#refusal(method.path, metadata, () => call.getAuthContext());
            if (refusal === undefined) pass(metadata);
            else call.sendStatus(refusal);
          },
        }),
    });

  #refusal(path: string, metadata: Metadata, getAuthContext: () => AuthContext): Refusal | undefined {
    const { may } = ruleOf(path);
    if (may.includes("anyone")) return undefined;
    const caller = this.callerOf({ metadata, getAuthContext });
    const who = whoIs(caller);
    if (who !== undefined && may.includes(who)) return undefined;
    if (caller.kind === "stranger") return { code: status.UNAUTHENTICATED, details: STRANGER };
    const name = caller.kind === "service" ? caller.name : "whoever has the token";
    return { code: status.PERMISSION_DENIED, details: `${name} may not call ${path.slice(1)} (docs/security.md)` };
  }
}

const STRANGER = "who are you? Services present a certificate of this host's CA, people its token (docs/security.md)";

function whoIs(caller: Caller): Who | undefined {
  if (caller.kind === "person") return "person";
  return caller.kind === "service" ? kindOf(caller.name) : undefined;
}
