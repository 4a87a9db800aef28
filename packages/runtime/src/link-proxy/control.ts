/** Setting the faults of links over HTTP. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { bounded } from "../http-bounds.js";
import { shown } from "../limits.js";
import type { Credentials } from "../security/credentials.js";
import { httpServer } from "../security/http.js";
import type { Link } from "./link.js";
import { NO_FAULTS, parseLinkFaults } from "./link-faults.js";

const BODY_CHARACTERS_MAX = 10_000;
const MESSAGE_CHARACTERS_MAX = 300;

interface Reply {
  readonly status: number;
  readonly body: object;
}

/**
 * GET /links · PUT /links/NAME with faults · POST /links/NAME/reset · DELETE /links/NAME and DELETE /links heal · GET /healthz.
 * Ends when it listens; the value ends it. With credentials it is HTTPS, and all but /healthz is for people with the token.
 */
export function serveControl(
  links: readonly Link[],
  listen: { host: string; port: number },
  credentials: Credentials,
): Promise<() => void> {
  const { guard } = credentials;
  const server = bounded(
    httpServer(credentials, (request, response) => {
      if (guard !== undefined && request.url !== "/healthz" && !guard.isPerson(request.headers.authorization ?? "")) {
        send(response, { status: 401, body: { error: "who are you? Give the token: authorization: Bearer …" } });
        return;
      }
      answer(links, request).then(
        (reply) => send(response, reply),
        (error: unknown) => refuse(request, response, error),
      );
    }),
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () =>
      resolve(() => {
        server.close();
        server.closeAllConnections();
      }),
    );
  });
}

async function answer(links: readonly Link[], request: IncomingMessage): Promise<Reply> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const [, collection, name, action, ...more] = path.split("/");
  const asked = `${request.method} ${
    name === undefined
      ? path
      : `/${collection}/NAME${[action, ...more]
          .filter((step) => step !== undefined)
          .map((step) => `/${step}`)
          .join("")}`
  }`;
  if (asked === "GET /healthz") return { status: 200, body: { serving: true } };
  if (asked === "GET /links") return { status: 200, body: stateOf(links) };
  const chosen = name === undefined ? links : links.filter((link) => link.name === name);
  if (chosen.length === 0) {
    const names = links.map((link) => link.name).join(", ");
    return { status: 404, body: { error: `no link "${shown(name ?? "")}": there are ${names}` } };
  }
  switch (asked) {
    case "PUT /links/NAME": {
      const { forMs, ...faults } = parseLinkFaults(JSON.parse(await bodyOf(request)));
      for (const link of chosen) link.setFaults(faults, forMs);
      break;
    }
    case "POST /links/NAME/reset":
      for (const link of chosen) link.reset();
      break;
    case "DELETE /links":
    case "DELETE /links/NAME":
      for (const link of chosen) link.setFaults(NO_FAULTS);
      break;
    default:
      return { status: 404, body: { error: `${shown(asked)} is not known` } };
  }
  return { status: 200, body: stateOf(chosen) };
}

function stateOf(links: readonly Link[]): object {
  return Object.fromEntries(links.map(({ name, faults }) => [name, faults]));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_CHARACTERS_MAX)
      throw new TooLong(`the body has more than ${BODY_CHARACTERS_MAX} characters`);
  }
  return text;
}

/** The rest of the request is not read. */
class TooLong extends Error {
  override readonly name = "TooLong";
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // Its client gave up: nobody is left to tell.
  if (response.destroyed) return;
  const status = error instanceof TooLong ? 413 : 400;
  if (status === 413) response.once("finish", () => request.destroy()).setHeader("connection", "close");
  send(response, { status, body: { error: shown(messageOf(error), MESSAGE_CHARACTERS_MAX) } });
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
