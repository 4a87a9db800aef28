/** Text files that nearly are what they should be. */
import fc from "fast-check";

const NUMBERS = [
  "0",
  "-1",
  "1e308",
  "NaN",
  "9007199254740993",
  "18446744073709551616",
  "0x",
  "1e-9",
  "65536",
  "4294967296",
  ".5",
];
const TOKENS = [
  ...[
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\u0000",
    "\ufeff",
    "\u2028",
    "\ud800",
    "é",
    '"',
    "'",
    "`",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "- ",
  ],
  ...[
    "&a ",
    "*a",
    "<<: *a",
    "!!binary x",
    "!!js/function x",
    "? ",
    "---",
    "...",
    "%YAML 3.0",
    "#",
    "|",
    ">",
    "@",
    "null",
    "true",
    "~",
    "=",
    "----",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "cpu=99",
    "vcpu=-1",
    "1h",
    "1e999s",
    "-5ms",
    "99999999h",
    ...NUMBERS,
  ],
];
const DEEP = 20_000;

/** Of what would take a reader far, however it looks. */
export const EXTREMES = [
  "[".repeat(DEEP),
  "[".repeat(DEEP) + "]".repeat(DEEP),
  `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`,
  "{a: ".repeat(2000),
  "- ".repeat(5000),
  Array.from({ length: 2000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
  // Each anchor holds the one before it nine times: a billion in the end.
  Array.from(
    { length: 10 },
    (_, n) =>
      `a${n}: &a${n} [${
        n === 0
          ? '"x"'
          : Array(9)
              .fill(`*a${n - 1}`)
              .join(", ")
      }]`,
  ).join("\n"),
  "&a [*a]",
  "x".repeat(2_000_000),
  `${"x".repeat(1_000_000)}: 1`,
  `{"op":"${"v".repeat(300_000)}"}`,
  `{"cpu":0,"op":"vmread","field":"${"V".repeat(300_000)}"}`,
  "a: 1\na: 2",
  "\u0000".repeat(100_000),
  "PERFILE2\u0000\u0001",
  "\n".repeat(200_000),
  "9".repeat(100_000),
  "",
];

/** One of the samples after a few accidents, or something extreme, or something random. */
export function nearly(samples: readonly string[]): fc.Arbitrary<string> {
  const sample = fc.constantFrom(...samples);
  const accident = fc.tuple(fc.nat(8), fc.nat(), fc.nat(40), fc.constantFrom(...TOKENS));
  const hurt = fc
    .tuple(sample, sample, fc.array(accident, { minLength: 1, maxLength: 6 }))
    .map(([text, other, accidents]) => accidents.reduce((now, one) => after(now, other, one), text));
  const extreme = fc
    .tuple(sample, fc.constantFrom(...EXTREMES), fc.nat(), fc.boolean())
    .map(([text, what, at, alone]) => (alone ? what : insert(text, at, what)));
  return fc.oneof(
    { weight: 12, arbitrary: hurt },
    { weight: 2, arbitrary: extreme },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
  );
}

function after(
  text: string,
  other: string,
  [kind, place, length, token]: readonly [number, number, number, string],
): string {
  const at = text.length === 0 ? 0 : place % text.length;
  switch (kind) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
    case 3:
      return insert(text, at, token);
    case 4:
      return text.slice(0, at) + token + text.slice(at + token.length);
    case 5:
      return text.slice(0, at) + other.slice(at);
    case 6:
      return withoutLine(text, place);
    case 7:
      // Another number where there was one.
      return text.slice(0, at) + text.slice(at).replace(/\d+/, NUMBERS[length % NUMBERS.length] ?? "");
    default:
      return text.slice(0, at) + text.slice(at).replace(/[a-z]+/i, token);
  }
}

function insert(text: string, at: number, what: string): string {
  const place = text.length === 0 ? 0 : at % text.length;
  return text.slice(0, place) + what + text.slice(place);
}

function withoutLine(text: string, place: number): string {
  const lines = text.split("\n");
  lines.splice(place % lines.length, 1);
  return lines.join("\n");
}
