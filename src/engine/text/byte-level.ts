import type { AlignedText } from './aligned.ts';

/** GPT-2's alphabet: the printable character that stands for each byte. openai/gpt-2, src/encoder.py, bytes_to_unicode. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 0x100 + others++));
})();
const CHARACTER_BYTES: ReadonlyMap<string, number> = new Map(BYTE_CHARACTERS.map((c, byte) => [c, byte]));

/** The space's character, Ġ. */
export const BYTE_SPACE: string = BYTE_CHARACTERS[0x20]!;

const encoder = new TextEncoder();
const ASCII_VISIBLE = /^[\x21-\x7e]*$/;

/** A text as the characters of its UTF-8 bytes. */
export function bytesOf(text: string): string {
  if (ASCII_VISIBLE.test(text)) return text;
  let result = '';
  for (const byte of encoder.encode(text)) result += BYTE_CHARACTERS[byte]!;
  return result;
}

/** The bytes that a piece's characters stand for, or null where one stands for none. */
export function bytesFrom(piece: string): Uint8Array | null {
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = CHARACTER_BYTES.get(piece[i]!);
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}

/** Each character as the characters of its bytes, all in its place. */
export const byteLevelAligned = (aligned: AlignedText): AlignedText =>
  aligned.transform(
    [...aligned.text].flatMap((c) => [...bytesOf(c)].map((byte, i) => [byte, i === 0 ? 0 : 1] as const)),
  );
