/** Splits a stream of text into lines, with back-pressure and in constant memory. */
import { StringDecoder } from "node:string_decoder";
import { ExecUsageError } from "./usage-error.js";

/** Characters. Long enough for any recorded sequence; a longer line is no program. */
const LINE_LENGTH_MAX = 16 * 1024 * 1024;

const BYTE_ORDER_MARK = "\ufeff";

/** The complete lines of each chunk, so that a caller can answer a chunk at a time. */
export async function* lineBatches(input: AsyncIterable<string | Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let count = 0;
  let atStart = true;
  for await (const chunk of input) {
    let text = typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk));
    if (atStart && text !== "") {
      // Editors of Windows put it there.
      if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(BYTE_ORDER_MARK.length);
      atStart = false;
    }
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    count += lines.length;
    if (rest.length > LINE_LENGTH_MAX) throw new ExecUsageError(count + 1, `longer than ${LINE_LENGTH_MAX} characters`);
    if (lines.length > 0) yield lines;
  }
  rest += decoder.end();
  if (rest !== "") yield [rest];
}
