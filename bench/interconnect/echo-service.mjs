/** A service without codecs: what it carries is bytes. */
const same = (bytes) => bytes;
const method = (name, streams) => ({
  path: `/vmcslab.bench.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

export const ECHO = { unary: method("Unary", false), stream: method("Stream", true) };
