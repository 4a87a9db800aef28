import { decodeResponse } from "../../codec/frames/decode.js";
import { encodeRequest } from "../../codec/frames/encode.js";
import { NoLease } from "../endpoint.js";
import type { Transport } from "../port.js";
import type { InProcessTarget } from "./target.js";

/** Frames between two objects of one process. They are encoded and decoded as on a wire, so that this way to run finds wire bugs too. */
export function inProcessTransport(target: InProcessTarget): Transport {
  return {
    open(receive, broken) {
      let open = true;
      const stream = target.connect((bytes) => {
        // Answers come in a later turn, as from a wire: callers may rely on send() returning first.
        queueMicrotask(() => {
          if (open) receive(decodeResponse(bytes));
        });
      });
      const fail = (error: unknown): void => {
        if (!open) return;
        open = false;
        const message = error instanceof Error ? error.message : String(error);
        const life = error instanceof NoLease ? { incarnation: error.incarnation } : {};
        queueMicrotask(() => broken({ message, refused: !(error instanceof NoLease), gone: false, ...life }));
      };
      return {
        send(frame) {
          if (!open) return;
          try {
            stream(encodeRequest(frame));
          } catch (error) {
            fail(error);
          }
        },
        close() {
          open = false;
        },
      };
    },
    close() {
      // Nothing is shared between links.
    },
  };
}
