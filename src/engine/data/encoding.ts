import { isUtf8 } from 'node:buffer';
import { counted, LuthierError } from '../../protocol/index.ts';
import { decoderOf, decodeWhole, encodeWhole } from './codec.ts';
import { type EncodingGuess, guessEncoding } from './encoding-guess.ts';
import { requireEncoding } from './encoding-names.ts';
import type { Pace } from './pace.ts';
import type { Problems } from './problems.ts';
import { bufferSource, type Source } from './source.ts';

/** How a file's bytes are to be read. */
export interface Encoding {
  /** As people name it: `utf-8`, `utf-8 with BOM`, `utf-16le`, `windows-1252`, `mac-roman`, `gb18030`… */
  name: string;
  /** Bytes of the byte order mark. */
  mark: number;
  /** Whether the bytes are UTF-8 as they stand, without a fault. */
  isPlain: boolean;
  /** What the name follows from, where it is a guess. */
  guess?: EncodingGuess;
}

const MARKS: readonly [bytes: readonly number[], name: string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe, 0, 0], 'utf-32le'],
  [[0, 0, 0xfe, 0xff], 'utf-32be'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/**
 * Finds out a file's encoding. Byte order marks decide, then what was told; UTF-16 without a mark shows by the high
 * bytes of its letters; what is not valid UTF-8 is guessed, and that is reported.
 * @param told the encoding's name by a person
 * @throws LuthierError `data-unreadable` when the file holds NUL bytes or is of a kind known not to be text, or is
 *   empty (`data-invalid`); `usage` for an encoding that there is not
 */
export async function findEncoding(
  source: Source,
  told: string | undefined,
  problems: Problems,
  pace: Pace,
): Promise<Encoding> {
  const wanted = told === undefined ? undefined : requireEncoding(told);
  const look = await survey(source, pace);
  refuseOtherKinds(look.head, source.name);
  const mark = MARKS.find(([bytes]) => bytes.every((byte, i) => look.head[i] === byte));
  if (mark && wanted !== undefined && wanted !== mark[1]) {
    problems.add(
      'info',
      'encoding-mark',
      `The file begins with the byte order mark of ${mark[1].toUpperCase()} and is read as such, not as ${wanted}.`,
    );
  }
  const size = mark?.[0].length ?? 0;
  const name = mark?.[1] ?? wanted ?? utf16WithoutMark(look.head);
  let encoding: Encoding;
  if (name === undefined || name === 'utf-8') {
    if (!look.isUtf8) encoding = await damagedOrOlder(source, size, name !== undefined, problems, pace);
    else encoding = { name: 'utf-8', mark: size, isPlain: true };
    if (size > 0 && encoding.name === 'utf-8') encoding.name = 'utf-8 with BOM';
  } else {
    encoding = { name, mark: size, isPlain: false };
    if (name.startsWith('utf-16') && source.size % 2 === 1) {
      problems.add(
        'warning',
        'encoding-cut',
        'The file ends in the middle of a UTF-16 character; its last byte is left out.',
      );
    }
    if (!mark && look.isUtf8 && look.isBeyondAscii) {
      problems.add(
        'warning',
        'encoding-told',
        `The file is valid UTF-8 but is read as ${name}, as requested. If letters look wrong, leave the encoding out.`,
      );
    }
  }
  await check(source, encoding, look.hasNul, problems, pace);
  return encoding;
}

/** A file's content in UTF-8 without a byte order mark, piece by piece. */
export async function* utf8Pieces(source: Source, encoding: Encoding, pace: Pace): AsyncGenerator<Buffer> {
  let skip = encoding.mark;
  const decoder = encoding.isPlain ? undefined : decoderOf(encoding.name);
  for await (const piece of source.pieces(pace)) {
    const bytes = skip > 0 ? piece.subarray(skip) : piece;
    skip = Math.max(0, skip - piece.length);
    if (bytes.length === 0) continue;
    if (!decoder) yield bytes;
    else {
      const text = decoder.write(bytes);
      if (text !== '') yield Buffer.from(text, 'utf8');
    }
  }
  const rest = decoder?.end();
  if (rest) yield Buffer.from(rest, 'utf8');
}

interface Survey {
  /** The first bytes. */
  head: Buffer;
  isUtf8: boolean;
  isBeyondAscii: boolean;
  hasNul: boolean;
}

const HEAD = 1 << 16;

/** Goes through all bytes once. */
async function survey(source: Source, pace: Pace): Promise<Survey> {
  let head: Buffer | undefined;
  let cut = Buffer.alloc(0);
  const found = { isUtf8: true, isBeyondAscii: false, hasNul: false };
  let isBlank = true;
  for await (const piece of source.pieces(pace)) {
    head ??= Buffer.from(piece.subarray(0, HEAD));
    if (isBlank) isBlank = piece.every((byte) => byte === 32 || (byte >= 9 && byte <= 13));
    found.hasNul ||= piece.includes(0);
    if (!found.isUtf8) continue;
    const bytes = cut.length > 0 ? Buffer.concat([cut, piece]) : piece;
    const whole = bytes.length - bytesCutOff(bytes);
    found.isUtf8 = isUtf8(bytes.subarray(0, whole));
    found.isBeyondAscii ||= whole < bytes.length || bytes.toString('utf8', 0, whole).length < whole;
    cut = Buffer.from(bytes.subarray(whole));
  }
  if (cut.length > 0) found.isUtf8 = false;
  if (isBlank) {
    throw new LuthierError(
      'data-invalid',
      `${source.name} is empty.`,
      /\.(json|jsonl|ndjson)$/i.test(source.name)
        ? 'Write one object for each row, such as {"text": "…", "label": "…"}.'
        : 'Add a header line such as “text,label” and one row for each text.',
    );
  }
  return { head: head!, ...found };
}

/** Bytes at the end that may be the start of a character in UTF-8. */
function bytesCutOff(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0)
      return byte >= 0xf0 ? (back < 4 ? back : 0) : byte >= 0xe0 ? (back < 3 ? back : 0) : back < 2 ? back : 0;
  }
  return 0;
}

/**
 * In UTF-16 one byte of each letter is small: 0 in Latin scripts, 3 to 6 in Greek, Cyrillic, Hebrew and Arabic. Which
 * half of the pairs they stand in tells the order. Other scripts show by the zeros of their commas and line ends.
 */
function utf16WithoutMark(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const length = head.length & ~1;
  if (length < 4) return undefined;
  const small = [0, 0];
  const zeros = [0, 0];
  for (let i = 0; i < length; i++) {
    if (head[i]! <= 8) small[i & 1]!++;
    if (head[i] === 0) zeros[i & 1]!++;
  }
  const pairs = length / 2;
  for (const [half, name] of [
    [1, 'utf-16le'],
    [0, 'utf-16be'],
  ] as const) {
    const other = 1 - half;
    if (zeros[half] === 0 || zeros[other] !== 0) continue;
    if (small[half]! > 0.4 * pairs && small[other]! < 0.05 * pairs) return name;
    // Of a script whose letters have no small byte. UTF-8 with a stray NUL is still UTF-8.
    const text = decodeWhole(head.subarray(0, length), name);
    if (
      !isUtf8(head) &&
      /[\n\r]/.test(text) &&
      !/p{Noncharacter_Code_Point}|[\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])/.test(text)
    )
      return name;
  }
  return undefined;
}

/** One damaged byte in a file of good UTF-8 must not turn every other letter of it into two wrong ones. */
async function damagedOrOlder(
  source: Source,
  mark: number,
  isTold: boolean,
  problems: Problems,
  pace: Pace,
): Promise<Encoding> {
  const utf8: Encoding = { name: 'utf-8', mark, isPlain: false };
  if (isTold) return utf8;
  let good = 0;
  let broken = 0;
  for await (const bytes of utf8Pieces(source, utf8, pace)) {
    for (const letter of bytes.toString('utf8')) {
      if (letter === '\ufffd') broken++;
      else if (letter > '\x7f') good++;
    }
  }
  if (good > 10 * broken) return utf8;
  const guess = await guessEncoding(await linesBeyondAscii(source, pace));
  problems.add('warning', 'encoding-guessed', guessMessage(guess));
  return { name: guess.encoding, mark: 0, isPlain: false, guess };
}

/** What was guessed, by which words it can be judged, and what to do. */
function guessMessage({ encoding, is_sure: isSure, sample, alternatives }: EncodingGuess): string {
  const others = alternatives.map((other) => `as ${other.encoding} “${other.sample}”`);
  return (
    `The file is not UTF-8; it is read as ${encoding}${isSure ? '' : ', which is uncertain'}: “${sample}”` +
    `${others.length > 0 ? ` (${others.join(', ')})` : ''}. ` +
    'If letters look wrong, name the encoding (--encoding, or "encoding" in the recipe), or save the file as UTF-8.'
  );
}

/** @throws LuthierError `data-invalid` for a guess that nobody has confirmed, and that may be wrong */
export function refuseUnsure(name: string, guess: EncodingGuess | undefined): void {
  if (!guess || guess.is_sure) return;
  const [other] = guess.alternatives;
  throw new LuthierError(
    'data-invalid',
    `${name} is not UTF-8, and its encoding is uncertain: as ${guess.encoding} it reads “${guess.sample}”${other ? `, as ${other.encoding} “${other.sample}”` : ''}.`,
    `Name the right one with --encoding (--encoding ${guess.encoding}) or in the recipe ("encoding": "${guess.encoding}"), or save the file as UTF-8.`,
  );
}

const MANY = 1 << 14;

/** Lines that hold bytes above 127: the others say nothing of the encoding. */
async function linesBeyondAscii(source: Source, pace: Pace): Promise<Buffer> {
  const lines: Buffer[] = [];
  let total = 0;
  let isFirst = true;
  for await (const piece of source.pieces(pace)) {
    for (let from = 0; from < piece.length && total < MANY; ) {
      let high = from;
      while (high < piece.length && piece[high]! < 0x80) high++;
      if (high === piece.length) break;
      let start = high;
      while (start > from && piece[start - 1] !== 10 && piece[start - 1] !== 13) start--;
      let end = high;
      while (end < piece.length && piece[end] !== 10 && piece[end] !== 13) end++;
      // A piece may begin within a character.
      if (start > 0 || isFirst) {
        lines.push(Buffer.from(piece.subarray(start, end)), Buffer.from('\n'));
        total += end - start;
      }
      from = end;
    }
    isFirst = false;
    if (total >= MANY) break;
  }
  return Buffer.concat(lines);
}

/** Refuses NUL characters, and tells letters that could not be read. */
async function check(
  source: Source,
  encoding: Encoding,
  hasNul: boolean,
  problems: Problems,
  pace: Pace,
): Promise<void> {
  if (encoding.isPlain && !hasNul) return;
  let line = 1;
  let broken = 0;
  let first = 0;
  let last = 0;
  for await (const bytes of utf8Pieces(source, encoding, pace)) {
    const nul = bytes.indexOf(0);
    const to = nul < 0 ? bytes.length : nul;
    for (let i = 0; i < to; i++) {
      const byte = bytes[i]!;
      if (byte === 13 || (byte === 10 && last !== 13)) line++;
      else if (byte === 0xef && bytes[i + 1] === 0xbf && bytes[i + 2] === 0xbd) {
        if (++broken === 1) first = line;
      }
      last = byte;
    }
    if (nul < 0) continue;
    throw new LuthierError(
      'data-unreadable',
      `${source.name} contains a NUL byte on line ${line}, so it is damaged or not a text file.`,
      'Save the data as CSV or JSON Lines in UTF-8, or remove the NUL bytes.',
    );
  }
  if (broken === 0 || encoding.isPlain) return;
  const name = encoding.name.startsWith('utf-8') ? 'UTF-8' : encoding.name;
  problems.add(
    'warning',
    'encoding-broken',
    `${counted(broken, 'byte or letter', 'bytes or letters')} of the file ${broken === 1 ? 'is' : 'are'} not valid ${name} (the first on line ${first}); each is read as “\ufffd”.`,
    { line: first },
  );
}

export interface Decoded {
  /** UTF-8 without a byte order mark. */
  bytes: Buffer;
  encoding: Encoding;
}

/** A whole content in UTF-8: of what is small, or must be had whole. @throws LuthierError as findEncoding does */
export async function decode(
  raw: Buffer,
  name: string,
  told: string | undefined,
  problems: Problems,
  pace: Pace,
): Promise<Decoded> {
  const source = bufferSource(raw, name);
  const encoding = await findEncoding(source, told, problems, pace);
  const pieces: Buffer[] = [];
  for await (const piece of utf8Pieces(source, encoding, pace)) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), encoding };
}

/**
 * The opposite of `decode`, for writing back: byte order mark as in the file's `old` content.
 * @throws LuthierError `data-invalid` when the encoding has no such character
 */
export function encode(text: string, encoding: Encoding, old: Buffer): Buffer {
  const mark = old.subarray(0, encoding.mark);
  const bytes = encodeWhole(text, encoding.name);
  const holds = (some: string) => decodeWhole(encodeWhole(some, encoding.name), encoding.name) === some;
  if (!encoding.name.startsWith('utf-8') && !holds(text)) {
    throw new LuthierError(
      'data-invalid',
      `The file is encoded as ${encoding.name}, which cannot represent “${[...text].find((letter) => !holds(letter)) ?? '\ufffd'}”.`,
      'Save the file as UTF-8 first.',
    );
  }
  return Buffer.concat([mark, bytes]);
}

const KINDS: readonly [start: string, kind: string][] = [
  ['PK\x03\x04', 'an Excel workbook or another zip archive'],
  ['PAR1', 'a Parquet file'],
  ['\x1f\x8b', 'compressed with gzip'],
  ['BZh', 'compressed with bzip2'],
  ['\xfd7zXZ', 'compressed with xz'],
  ['(\xb5/\xfd', 'compressed with zstd'],
  ['%PDF', 'a PDF'],
  ['\xd0\xcf\x11\xe0', 'an old Excel or Word file'],
  ['SQLite format 3', 'a SQLite database'],
  ['ARROW1', 'an Arrow file'],
];

function refuseOtherKinds(head: Buffer, name: string): void {
  const start = head.toString('latin1', 0, 16);
  const kind = KINDS.find(([bytes]) => start.startsWith(bytes));
  if (!kind) return;
  throw new LuthierError(
    'data-unreadable',
    `${name} is ${kind[1]}, not a text file.`,
    'Export the table as CSV or JSON Lines in UTF-8 and use that file.',
  );
}

/** Line ends that are complete between two offsets; a \r\n counts once, where its \n stands. */
export function countLineEnds(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte === 10 || (byte === 13 && bytes[i + 1] !== 10)) count++;
  }
  return count;
}
