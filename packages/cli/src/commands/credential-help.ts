/** How help texts describe credentials. */
export const TLS_DIR_FLAG = "--tls-dir <dir>";
export const TOKEN_FILE_FLAG = "--token-file <file>";
export const INSECURE_FLAG = "--insecure";

export const SERVICE_TLS_DIR =
  "folder with ca.crt, tls.crt, tls.key and token or token.sha256, as vmcslab certs makes it: authentication is on";
export const CLIENT_TLS_DIR = "folder with ca.crt and token, as vmcslab certs makes it: for a host with authentication";
export const SERVICE_TOKEN_FILE = "file with the token that people present (default: in --tls-dir)";
export const CLIENT_TOKEN_FILE = "file with the token (default: in --tls-dir)";
export const INSECURE = "listen where other machines can reach it without asking who calls";

/** Of clients. */
export const CREDENTIAL_ENVIRONMENT = {
  TLS_DIR: "as --tls-dir",
  "TLS_CA, TLS_CERT, TLS_KEY": "files that come before those in --tls-dir",
  VMCSLAB_TOKEN_FILE: "as --token-file",
  VMCSLAB_TOKEN: "the token itself",
} as const;

export const SERVICE_CREDENTIAL_ENVIRONMENT = {
  ...CREDENTIAL_ENVIRONMENT,
  VMCSLAB_INSECURE: "1: as --insecure",
} as const;

/** How to log in at NATS, as the nats command is told. */
export const NATS_ENVIRONMENT = {
  NATS_URL: "as --nats",
  "NATS_USER, NATS_PASSWORD": "user and password there (NATS_PASSWORD_FILE: a file with it)",
  NATS_TOKEN: "or a token (NATS_TOKEN_FILE: a file with it)",
  NATS_CREDS: "or a credentials file",
  NATS_CA: "certificates of the authorities that NATS's is to be from, PEM: TLS",
} as const;
