/** Whether any of some control bits is on. */
import type { EntryContext } from "./context.js";

export const pin = (context: EntryContext, bits: number): boolean => (context.pin & bits) !== 0;
export const primary = (context: EntryContext, bits: number): boolean => (context.primary & bits) !== 0;
export const secondary = (context: EntryContext, bits: number): boolean => (context.secondary & bits) !== 0;
export const exit = (context: EntryContext, bits: number): boolean => (context.exit & bits) !== 0;
export const entry = (context: EntryContext, bits: number): boolean => (context.entry & bits) !== 0;
