/** HTTP to and from services of ours: over TLS, and with the token, where there are credentials. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createSecureServer, request as httpsRequest } from "node:https";
import { HTTP_OPTIONS } from "../http-bounds.js";
import type { Credentials } from "./credentials.js";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method?: string;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** `url`: http:// or https://; over the second the server has to be one of ours. Rejects when nobody answers. */
export function askHttp(
  url: string,
  credentials: Credentials,
  { method = "GET", body, timeoutMs }: HttpRequest,
): Promise<HttpAnswer> {
  const isSecure = url.startsWith("https://");
  const options = { method, signal: AbortSignal.timeout(timeoutMs), ...(isSecure ? credentials.httpsClient() : {}) };
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, options, (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, body: text }), reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A server that shows our certificate, if there is one. Whose each request is, says {@link Credentials.guard}. */
export function httpServer(credentials: Credentials, listener: RequestListener): Server {
  const tls = credentials.httpsServer();
  return tls === undefined
    ? createServer(HTTP_OPTIONS, listener)
    : createSecureServer({ ...HTTP_OPTIONS, ...tls }, listener);
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message) text += String(chunk);
  return text;
}
