/** How long our HTTP servers wait for a request, and how many they hold. */
import type { Server } from "node:http";

/** From the first byte of a request to its last. */
const REQUEST_MS_MAX = 5000;
const CHECK_MS = 1000;
const CONNECTIONS_MAX = 256;

/** Options of a server that does not wait for requests that never end. */
export const HTTP_OPTIONS = {
  requestTimeout: REQUEST_MS_MAX,
  headersTimeout: REQUEST_MS_MAX,
  connectionsCheckingInterval: CHECK_MS,
} as const;

/** What the options cannot say. */
export function bounded(server: Server): Server {
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}
