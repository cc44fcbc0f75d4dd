/**
 * A name for a folder out of any text: letters and digits of every script, the rest as hyphens, at most `length`
 * characters. Windows' reserved names and an empty result become `data…`, or what `otherwise` says.
 */
export function slug(text: string, length = 40, otherwise = 'data'): string {
  const name = text
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
  const short = [...name].slice(0, length).join('').replace(/-+$/, '');
  if (short === '') return otherwise;
  return /^(con|prn|aux|nul|com\d|lpt\d)$/.test(short) ? `${otherwise}-${short}` : short;
}

/** `base`, or `base-2`, `base-3`… where that is taken (case ignored, since some file systems do). */
export function uniqueName(base: string, taken: readonly string[]): string {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  if (!used.has(base.toLowerCase())) return base;
  for (let n = 2; ; n++) {
    const name = `${base}-${n}`;
    if (!used.has(name.toLowerCase())) return name;
  }
}
