import type { Random } from '../../src/engine/data/random.ts';

/** Bytes that formats give a meaning, and values that readers trip over. */
const TOKENS = [
  '"',
  '""',
  "'",
  ',',
  ';',
  '\t',
  '|',
  '\n',
  '\r\n',
  '\r',
  '\0',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  '/',
  '..',
  '../../x',
  '\uFEFF',
  '\u2028',
  '\u202e',
  '\ud800',
  '\u001b[2J',
  '😀',
  'é',
  '__proto__',
  'constructor',
  'null',
  'true',
  'NaN',
  '-1',
  '1e308',
  '1e999',
  '9007199254740993',
  '0x10',
  '-0',
  ',,,,',
  '"text"',
  '"label"',
  '```',
  '---',
  '| a | b |',
];

/** What replaces a value in JSON. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  -(2 ** 31),
  1e9,
  '',
  'x',
  '\u0000',
  '__proto__',
  [],
  {},
  [[]],
  [null],
  { __proto__: null, a: 1 },
  '../../etc/passwd',
  '/dev/zero',
  'x'.repeat(100_000),
  '(a+)+$',
  '2026-01-01',
  [1, 'a', null],
];

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

/** Changes bytes: turned, taken out, doubled, cut off, moved, tokens put in. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes);
  for (let n = 1 + random.below(6); n > 0; n--) {
    const at = random.below(changed.length + 1);
    const length = 1 + random.below(Math.max(1, Math.min(64, changed.length - at)));
    const [before, piece, after] = [
      changed.subarray(0, at),
      changed.subarray(at, at + length),
      changed.subarray(at + length),
    ];
    switch (random.below(8)) {
      case 0:
        if (at < changed.length) changed[at] = changed[at]! ^ (1 << random.below(8));
        break;
      case 1:
        changed = Buffer.concat([before, after]);
        break;
      case 2:
        changed = Buffer.concat([before, ...Array.from({ length: 2 + random.below(30) }, () => piece), after]);
        break;
      case 3:
        changed = Buffer.from(before);
        break;
      case 4:
        changed = Buffer.concat([after, piece, before]);
        break;
      case 5:
        changed = Buffer.concat([before, Buffer.from([random.below(256), random.below(256)]), after]);
        break;
      case 6: {
        const token = Buffer.from(pick(random, TOKENS).repeat(random.below(20) === 0 ? 5_000 : 1));
        changed = Buffer.concat([before, token, after]);
        break;
      }
      default:
        changed = Buffer.concat([before, Buffer.from(pick(random, TOKENS)), piece, after]);
    }
    if (changed.length > 2_000_000) changed = changed.subarray(0, 2_000_000);
  }
  return changed;
}

/** Changes a JSON value in places: values of other kinds, keys renamed, taken out, doubled. Sometimes its text, too. */
export function mutateJson(value: unknown, random: Random): Buffer {
  const copy: unknown = structuredClone(value);
  for (let n = 1 + random.below(4); n > 0; n--) mutateIn(copy, random);
  const deep = random.below(200) === 0;
  const text = deep ? `${'['.repeat(50_000)}${JSON.stringify(copy)}${']'.repeat(50_000)}` : JSON.stringify(copy);
  return random.below(4) === 0 ? mutateBytes(Buffer.from(text), random) : Buffer.from(text);
}

function mutateIn(value: unknown, random: Random): void {
  if (typeof value !== 'object' || value === null) return;
  const keys = Object.keys(value);
  const object = value as Record<string, unknown>;
  if (keys.length === 0) return;
  const key = pick(random, keys);
  // Further down, as often as there is a further down.
  if (typeof object[key] === 'object' && object[key] !== null && random.below(3) > 0) {
    mutateIn(object[key], random);
    return;
  }
  switch (random.below(5)) {
    case 0:
      delete object[key];
      break;
    case 1:
      Object.defineProperty(object, pick(random, ['__proto__', 'constructor', 'x', '', key.toUpperCase()]), {
        value: object[key],
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    default:
      // A copy: what is put in may be changed further.
      object[key] = structuredClone(pick(random, VALUES));
  }
}
