/**
 * Conversions between IEEE 754 binary32 and the 16-bit floats that weights are stored in.
 * Everything is little-endian, as safetensors is and as every processor that Node and onnxruntime run on is.
 */

let halfTable: Float32Array | undefined;

/** float32 value of every binary16 bit pattern (256 KiB, made once). */
function halfValues(): Float32Array {
  if (halfTable !== undefined) return halfTable;
  const bits = new Uint32Array(65536);
  const values = new Float32Array(bits.buffer);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) values[half] = (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
    else bits[half] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  halfTable = values;
  return values;
}

/** target[i] = the value of the binary16 pattern source[i]; exact. */
export function halfToFloat(source: Uint16Array, target: Float32Array): void {
  const values = halfValues();
  for (let i = 0; i < source.length; i++) target[i] = values[source[i]!]!;
}

/** target[i] = the value of the bfloat16 pattern source[i]; exact. */
export function bfloatToFloat(source: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
}

/** binary16 pattern of a binary32 pattern, rounded to nearest, ties to even. Beyond ±65519 it is infinite. */
export function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundedShift(magnitude - 0x38000000, 13);
  if (magnitude <= 0x33000000) return sign;
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

/** bfloat16 pattern of a binary32 pattern, rounded to nearest, ties to even. */
export function bfloatBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0xffff) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundedShift(value: number, shift: number): number {
  const quotient = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (quotient & 1) === 1) ? quotient + 1 : quotient;
}
