import { bytesFrom } from './byte-level.ts';
import type { Part } from './part.ts';

/** Makes text of pieces: each step takes the pieces that the one before it left. */
export type Decoder = (pieces: string[]) => string[];

/** Without a decoder, pieces stand between spaces. */
export const SPACED: Decoder = (pieces) => [pieces.join(' ')];

/** tokenizer.json's `decoder`. Throws where a part is not understood. */
export function createDecoder(part: Part): Decoder {
  switch (part.type) {
    case 'ByteLevel':
      part.ignore('add_prefix_space', 'trim_offsets', 'use_regex');
      return byteLevel;
    case 'WordPiece':
      return wordPiece(part.string('prefix', '##'), part.boolean('cleanup', true));
    case 'Metaspace': {
      part.ignore('str_rep', 'split');
      const replacement = part.string('replacement', '▁');
      const prefixed = part.boolean('add_prefix_space', true) && part.string('prepend_scheme', 'always') !== 'never';
      return (pieces) =>
        pieces.map((piece, i) =>
          i === 0 && prefixed ? piece.replaceAll(replacement, '') : piece.replaceAll(replacement, ' '),
        );
    }
    case 'BPEDecoder': {
      const suffix = part.string('suffix', '</w>');
      return (pieces) => pieces.map((piece, i) => piece.replaceAll(suffix, i === pieces.length - 1 ? '' : ' '));
    }
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (pieces) => [pieces.join('')];
    case 'Replace': {
      const pattern = part.pattern('pattern');
      const content = part.string('content');
      return (pieces) => pieces.map((piece) => piece.replace(pattern, () => content));
    }
    case 'Strip':
      return strip(part.string('content'), part.count('start', 0), part.count('stop', 0));
    case 'Sequence': {
      const steps = part.parts('decoders').map(createDecoder);
      return (pieces) => steps.reduce((left, step) => step(left), pieces);
    }
    default:
      throw part.unknown();
  }
}

// A byte order mark is a character like others.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const architecture = new TextEncoder();

const byteLevel: Decoder = (pieces) => {
  const bytes = pieces.map((piece) => bytesFrom(piece) ?? architecture.encode(piece));
  return [utf8.decode(Buffer.concat(bytes))];
};

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/** Bytes in a row that are no UTF-8 become a mark each. */
const byteFallback: Decoder = (pieces) => {
  const result: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      result.push(strictUtf8.decode(Uint8Array.from(bytes)));
    } catch {
      for (const _ of bytes) result.push('\uFFFD');
    }
    bytes = [];
  };
  for (const piece of pieces) {
    const byte = BYTE.exec(piece)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      flush();
      result.push(piece);
    }
  }
  flush();
  return result;
};

/** tokenizers, decoders/wordpiece.rs, cleanup. */
const CLEANUP = [
  ' .',
  ' ?',
  ' !',
  ' ,',
  [" ' ", "'"],
  " n't",
  " 'm",
  [' do not', " don't"],
  " 's",
  " 've",
  " 're",
] as const;

function wordPiece(prefix: string, cleanup: boolean): Decoder {
  return (pieces) =>
    pieces.map((piece, i) => {
      let text = piece;
      if (i > 0) text = text.startsWith(prefix) ? text.slice(prefix.length) : ` ${text}`;
      if (!cleanup) return text;
      for (const entry of CLEANUP)
        text = typeof entry === 'string' ? text.replaceAll(entry, entry.slice(1)) : text.replaceAll(entry[0], entry[1]);
      return text;
    });
}

const strip =
  (content: string, start: number, stop: number): Decoder =>
  (pieces) =>
    pieces.map((piece) => {
      const characters = [...piece];
      let from = 0;
      while (from < start && characters[from] === content) from++;
      let to = characters.length;
      while (characters.length - to < stop && to > from && characters[to - 1] === content) to--;
      return characters.slice(from, to).join('');
    });
