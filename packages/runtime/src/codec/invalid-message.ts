/** A message that decodes as protobuf but says something that the protocol does not allow. Answered with INVALID_ARGUMENT. */
export class InvalidMessage extends Error {
  override readonly name = "InvalidMessage";
}
