import iconv from 'iconv-lite';

/** What iconv-lite calls those that it knows by another name. */
const ICONV: Record<string, string> = { 'mac-roman': 'macroman', 'mac-cyrillic': 'maccyrillic' };

const iconvName = (encoding: string) => ICONV[encoding] ?? encoding;

/** iconv-lite has the Mac Roman of before 1998, with a currency sign where the euro stands since. */
const isMacRoman = (encoding: string) => encoding === 'mac-roman';
const withEuro = (encoding: string, text: string) => (isMacRoman(encoding) ? text.replaceAll('¤', '€') : text);

export interface Decoder {
  write: (bytes: Buffer) => string;
  end: () => string | undefined;
}

/** Decodes text that comes in pieces. @param encoding by our name; byte order marks are kept as characters */
export function decoderOf(encoding: string): Decoder {
  if (encoding.startsWith('utf-8')) {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return { write: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
  }
  const decoder = iconv.getDecoder(iconvName(encoding), { stripBOM: false });
  return {
    write: (bytes) => withEuro(encoding, decoder.write(bytes)),
    end: () => withEuro(encoding, decoder.end() ?? ''),
  };
}

export function decodeWhole(bytes: Buffer, encoding: string): string {
  const decoder = decoderOf(encoding);
  return decoder.write(bytes) + (decoder.end() ?? '');
}

export function encodeWhole(text: string, encoding: string): Buffer {
  if (encoding.startsWith('utf-8')) return Buffer.from(text, 'utf8');
  return iconv.encode(isMacRoman(encoding) ? text.replaceAll('€', '¤') : text, iconvName(encoding), { addBOM: false });
}
