import { isUtf8 } from 'node:buffer';
import { LuthierError } from '../errors.ts';
import type { Problems } from './problems.ts';

/** Content in UTF-8 without a byte order mark, whatever it was before. */
export interface Decoded {
  bytes: Buffer;
  /** As people name it: `utf-8`, `utf-8 with BOM`, `utf-16le`, `utf-16be`, `windows-1252`. */
  encoding: string;
}

/** What Windows-1252 has where Latin-1 has control characters, 0x80 to 0x9f (WHATWG's index-windows-1252). */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/**
 * Finds out a file's encoding and turns its content into UTF-8.
 * Byte order marks decide; UTF-16 without one shows by its zero bytes; what is not valid UTF-8 is read as
 * Windows-1252 (of which Latin-1's letters are a part) and that is reported.
 * @param name the file as messages call it.
 * @throws LuthierError `data-unreadable` when it holds NUL bytes or is of a kind known not to be text.
 */
export function decode(raw: Buffer, name: string, problems: Problems): Decoded {
  refuseOtherKinds(raw, name);
  const decoded = toUtf8(raw, problems);
  const nul = decoded.bytes.indexOf(0);
  if (nul >= 0) {
    throw new LuthierError(
      'data-unreadable',
      `${name} holds a NUL byte on line ${lineAt(decoded.bytes, nul)}, so it is not a text file or it is damaged.`,
      'Save the data as CSV or JSON Lines in UTF-8, or remove the NUL bytes.',
    );
  }
  return decoded;
}

function toUtf8(raw: Buffer, problems: Problems): Decoded {
  if (raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf) {
    return { ...utf8OrOlder(raw.subarray(3), problems), encoding: 'utf-8 with BOM' };
  }
  if (raw[0] === 0xff && raw[1] === 0xfe) return fromUtf16(raw.subarray(2), 'utf-16le', problems);
  if (raw[0] === 0xfe && raw[1] === 0xff) return fromUtf16(raw.subarray(2), 'utf-16be', problems);
  const guessed = utf16WithoutMark(raw);
  if (guessed) return fromUtf16(raw, guessed, problems);
  return utf8OrOlder(raw, problems);
}

function fromUtf16(raw: Buffer, encoding: 'utf-16le' | 'utf-16be', problems: Problems): Decoded {
  if (raw.length % 2 === 1) {
    problems.add(
      'warning',
      'encoding-cut',
      `The file ends in the middle of a UTF-16 character; its last byte is left out.`,
    );
  }
  const whole = raw.subarray(0, raw.length - (raw.length % 2));
  const little = encoding === 'utf-16be' ? Buffer.from(whole).swap16() : whole;
  return { bytes: Buffer.from(little.toString('utf16le'), 'utf8'), encoding };
}

/** Text in a Latin script has a zero in every other byte of UTF-16: which half they stand in tells the order. */
function utf16WithoutMark(raw: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const length = Math.min(raw.length, 4096) & ~1;
  if (length < 4) return undefined;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < length; i += 2) {
    if (raw[i] === 0) even++;
    if (raw[i + 1] === 0) odd++;
  }
  const pairs = length / 2;
  if (odd > pairs * 0.4 && even === 0) return 'utf-16le';
  if (even > pairs * 0.4 && odd === 0) return 'utf-16be';
  return undefined;
}

function utf8OrOlder(raw: Buffer, problems: Problems): Decoded {
  if (isUtf8(raw)) return { bytes: raw, encoding: 'utf-8' };
  // One damaged byte in a file of good UTF-8 must not turn every other letter of it into two wrong ones.
  const lossy = raw.toString('utf8');
  let good = 0;
  let broken = 0;
  let first = -1;
  for (let i = 0; i < lossy.length; i++) {
    const code = lossy.charCodeAt(i);
    if (code === 0xfffd) {
      if (first < 0) first = i;
      broken++;
    } else if (code > 0x7f) good++;
  }
  if (good > 10 * broken) {
    const bytes = Buffer.from(lossy, 'utf8');
    const line = lineAt(bytes, Buffer.byteLength(lossy.slice(0, first)));
    problems.add(
      'warning',
      'encoding-broken',
      `The file holds bytes that are not UTF-8 (${broken} places, the first on line ${line}); each reads as “\ufffd”.`,
      { line },
    );
    return { bytes, encoding: 'utf-8' };
  }
  problems.add(
    'info',
    'encoding-fallback',
    `The file is not UTF-8; it is read as Windows-1252 (Latin-1). If letters look wrong, save it as UTF-8.`,
  );
  const text = raw.toString('latin1').replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!);
  return { bytes: Buffer.from(text, 'utf8'), encoding: 'windows-1252' };
}

/**
 * The opposite of `decode`, for writing back: byte order mark as in the file's `old` content.
 * @throws LuthierError `data-invalid` when the encoding has no such character.
 */
export function encode(text: string, encoding: string, old: Buffer): Buffer {
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    const hasMark = old.length >= 2 && old[0]! + old[1]! === 0xff + 0xfe;
    const bytes = Buffer.from(hasMark ? `\ufeff${text}` : text, 'utf16le');
    return encoding === 'utf-16be' ? bytes.swap16() : bytes;
  }
  if (encoding !== 'windows-1252') return Buffer.from(encoding === 'utf-8 with BOM' ? `\ufeff${text}` : text, 'utf8');
  const bytes = Buffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const at = WINDOWS_1252.indexOf(text[i]!);
    if (at < 0 && (code > 0xff || (code >= 0x80 && code < 0xa0))) {
      throw new LuthierError(
        'data-invalid',
        `The file is in Windows-1252, which has no “${String.fromCodePoint(text.codePointAt(i)!)}”.`,
        'Save the file as UTF-8 first.',
      );
    }
    bytes[i] = at < 0 ? code : at + 0x80;
  }
  return bytes;
}

function refuseOtherKinds(raw: Buffer, name: string): void {
  const start = raw.toString('latin1', 0, 4);
  const kind =
    start === 'PK\x03\x04'
      ? 'an Excel workbook or another zip archive'
      : start === 'PAR1'
        ? 'a Parquet file'
        : start.startsWith('\x1f\x8b')
          ? 'compressed with gzip'
          : start === '%PDF'
            ? 'a PDF'
            : start === '\xd0\xcf\x11\xe0'
              ? 'an old Excel or Word file'
              : undefined;
  if (kind === undefined) return;
  throw new LuthierError(
    'data-unreadable',
    `${name} is ${kind}, not a text file.`,
    'Export the table as CSV or JSON Lines in UTF-8 and use that file.',
  );
}

/** 1-based line of a byte offset. A line ends with \n, with \r\n, or with a \r alone. */
export function lineAt(bytes: Buffer, offset: number): number {
  return 1 + countLineEnds(bytes, 0, offset);
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
