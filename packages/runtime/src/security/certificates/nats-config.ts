/** The configuration of a NATS server that knows each service, and what each may do there. */
import { STREAM } from "../../bus/nats/jetstream.js";
import { journalStreamName, journalSubject } from "../../bus/nats/journal-stream.js";
import { batchSubjects, everySubject } from "../../bus/nats/subject.js";
import { PEOPLES_SOURCE } from "../access.js";

/** People's user: it reads events, and publishes those of the source `faults`. */
export const PEOPLES_USER = "client";

export interface NatsUser {
  readonly name: string;
  readonly password: string;
}

export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** A machine may be busy with starting everything else. */
const HANDSHAKE_SECONDS = 10;

/** What everybody does who publishes events: look whether the stream is there, and make it. */
const STREAM_API = ["$JS.API.INFO", `$JS.API.STREAM.INFO.${STREAM}`, `$JS.API.STREAM.CREATE.${STREAM}`];
const consumersOf = (stream: string): string[] => [
  `$JS.API.CONSUMER.*.${stream}`,
  `$JS.API.CONSUMER.*.${stream}.>`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
  `$JS.ACK.${stream}.>`,
];

/** What this user needs, and no more. `host`: name of the host in subjects. */
export function natsPermissions(user: string, host: string): NatsPermissions {
  const inbox = `_INBOX.${user}.>`;
  const eventsOf = (source: string): string => `vmcslab.${host}.${source}.>`;
  if (user === "trace")
    return { publish: [...STREAM_API, ...consumersOf(STREAM)], subscribe: [inbox, batchSubjects()] };
  if (user === PEOPLES_USER)
    return {
      publish: [eventsOf(PEOPLES_SOURCE), ...STREAM_API, ...consumersOf(STREAM)],
      // The inboxes of tools that choose their own: people may read all there is.
      subscribe: ["_INBOX.>", everySubject()],
    };
  const own = { publish: [eventsOf(user), ...STREAM_API], subscribe: [inbox] };
  if (user !== "l0") return own;
  const journal = journalStreamName(host);
  const api = ["INFO", "CREATE", "PURGE", "MSG.GET"].map((call) => `$JS.API.STREAM.${call}.${journal}`);
  return { ...own, publish: [...own.publish, journalSubject(host), ...api, ...consumersOf(journal)] };
}

/** `directory`: where the server finds its certificate. Where streams are kept is said on its command line. */
export function natsConfiguration(users: readonly NatsUser[], host: string, directory: string): string {
  const list = (subjects: readonly string[]): string => `[${subjects.map((subject) => `"${subject}"`).join(", ")}]`;
  const entries = users.map(({ name, password }) => {
    const { publish, subscribe } = natsPermissions(name, host);
    return (
      `    { user: "${name}", password: "${password}", permissions: {\n` +
      `      publish: ${list(publish)}\n      subscribe: ${list(subscribe)}\n    } }\n`
    );
  });
  return (
    "# Made by vmcslab certs, which writes it anew when it is asked again.\n" +
    `tls {\n  cert_file: "${directory}/tls.crt"\n  key_file: "${directory}/tls.key"\n  timeout: ${HANDSHAKE_SECONDS}\n}\n` +
    `authorization {\n  timeout: ${HANDSHAKE_SECONDS}\n  users: [\n${entries.join("")}  ]\n}\n`
  );
}
