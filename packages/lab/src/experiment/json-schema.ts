import { z } from "zod";
import { experimentSchema } from "./schema.js";

/** The JSON Schema (2020-12) of experiment files, as editors read it. Keys that begin with `x-` are free everywhere. */
export function experimentJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(experimentSchema, {
    io: "input",
    override: ({ jsonSchema }) => allowExtensions(jsonSchema),
  });
  return { title: "vmcslab experiment", ...schema };
}

function allowExtensions(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  if (jsonSchema.additionalProperties === false) jsonSchema.patternProperties = { "^x-": {} };
}
