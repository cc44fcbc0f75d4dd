import { LuthierError } from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';

/**
 * Encodings that tables come in, as WHATWG and IANA name them, each with what else it is called. What is a part of
 * another one (Latin-1 of Windows-1252, GBK of GB18030) is read as that.
 */
const ENCODINGS: Record<string, readonly string[]> = {
  'utf-8': ['utf8', 'utf8sig', 'utf8withbom', 'unicode11utf8', 'ascii', 'usascii'],
  'utf-16le': ['utf16', 'utf16le', 'ucs2', 'unicode'],
  'utf-16be': ['utf16be'],
  'windows-1250': ['cp1250'],
  'windows-1251': ['cp1251'],
  'windows-1252': ['cp1252', 'ansi', 'latin1', 'iso88591', 'iso885915', 'latin9', 'l1'],
  'windows-1253': ['cp1253'],
  'windows-1254': ['cp1254', 'iso88599', 'latin5'],
  'windows-1255': ['cp1255'],
  'windows-1256': ['cp1256'],
  'windows-1257': ['cp1257'],
  'windows-1258': ['cp1258'],
  'windows-874': ['cp874', 'tis620', 'iso885911'],
  'iso-8859-2': ['iso88592', 'latin2'],
  'iso-8859-3': ['iso88593'],
  'iso-8859-4': ['iso88594'],
  'iso-8859-5': ['iso88595'],
  'iso-8859-6': ['iso88596'],
  'iso-8859-7': ['iso88597'],
  'iso-8859-8': ['iso88598'],
  'iso-8859-10': ['iso885910'],
  'iso-8859-13': ['iso885913'],
  'iso-8859-14': ['iso885914'],
  'iso-8859-16': ['iso885916'],
  'koi8-r': ['koi8r'],
  'koi8-u': ['koi8u'],
  'mac-roman': ['macroman', 'macintosh', 'mac', 'xmacroman'],
  'mac-cyrillic': ['maccyrillic', 'xmaccyrillic'],
  'mac-greek': ['macgreek'],
  'mac-turkish': ['macturkish'],
  cp437: ['ibm437'],
  cp737: ['ibm737'],
  cp850: ['ibm850', 'cp858', 'ibm858'],
  cp852: ['ibm852'],
  cp866: ['ibm866'],
  gb18030: ['gbk', 'gb2312', 'cp936', 'windows936', 'eucn', 'euccn'],
  big5: ['big5hkscs', 'cp950'],
  shift_jis: ['shiftjis', 'sjis', 'cp932', 'windows31j', 'mskanji'],
  'euc-jp': ['eucjp'],
  'euc-kr': ['euckr', 'cp949', 'ksc5601', 'uhc'],
};

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

const BY_NAME = new Map(
  Object.entries(ENCODINGS).flatMap(([name, others]) => [plain(name), ...others].map((other) => [other, name])),
);

/** Our name of an encoding; undefined when it is none that we read. */
export function encodingNamed(name: string): string | undefined {
  return BY_NAME.get(plain(name));
}

/**
 * What a person called an encoding, by the name that is used everywhere else.
 * @throws LuthierError `usage`, with the nearest name
 */
export function requireEncoding(name: string): string {
  const known = encodingNamed(name);
  if (known !== undefined) return known;
  const near = plain(name) === '' ? undefined : nearest(plain(name), [...BY_NAME.keys()], 2);
  throw new LuthierError(
    'usage',
    `“${name}” is not a known encoding${orMeant(near && BY_NAME.get(near))}`,
    `The known encodings are ${Object.keys(ENCODINGS).join(', ')}.`,
  );
}
