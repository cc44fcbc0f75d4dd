/**
 * 52 bits that stand for a text (two FNV-1a hashes of 32 bits, of which the first gives 20), to see whether it is
 * still the same: none that was chosen to deceive.
 */
export function fingerprint(text: string): string {
  let [a, b] = [0x811c9dc5, 0x050c5d1f];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ (unit + i), 0x01000193);
  }
  return (a >>> 12).toString(16).padStart(5, '0') + (b >>> 0).toString(16).padStart(8, '0');
}
