import { eventBatchToWire } from "../../codec/event.js";
import type { EventSource, ReceiveBatch } from "../port.js";
import type { MemorySink } from "./sink.js";

/** Gives what a {@link MemorySink} holds to a receiver, in order. */
export async function memorySource(sink: MemorySink, receive: ReceiveBatch): Promise<EventSource> {
  for (const batch of sink.batches.splice(0)) await receive(eventBatchToWire(batch));
  return { isConnected: () => true, close: () => Promise.resolve() };
}
