import type { Answer } from "@vmcslab/nested";
import { UnavailableError } from "../../errors.js";

/** The value of an answer. Throws UnavailableError, naming who was asked, when there is none. */
export function answered<T>(asked: string, answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new UnavailableError(`${asked}: ${answer.error.message}`);
}
