/**
 * Keep (1) or drop (0) by Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"; constants as in their Random123 library): key (seedLow, seedHigh), counter (block, step, site, 0).
 *
 * Four blocks run in the four lanes of a vector and give 32 elements: element 32·q + 8·word + 2·lane + half is decided
 * by that half (0 low, 1 high) of that word of block 4·q + lane; it is dropped when these 16 bits are below `threshold`.
 * So an element depends on seed, step, site and its index alone, however the mask is cut into calls.
 *
 * `out` receives n bytes for the elements from 32·firstGroup on; `scratch` points to 32 bytes of work space.
 */
export function dropoutMask(
  out: usize,
  n: i32,
  firstGroup: i32,
  threshold: i32,
  seedLow: i32,
  seedHigh: i32,
  step: i32,
  site: i32,
  scratch: usize,
): void {
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  const limit = i16x8.splat(threshold as i16);
  const one = i8x16.splat(1);
  const lanes = i32x4(0, 1, 2, 3);
  const size = n as usize;

  for (let o: usize = 0, group = firstGroup; o < size; o += 32, group++) {
    let x0 = i32x4.add(i32x4.splat(group << 2), lanes);
    let x1 = i32x4.splat(step);
    let x2 = i32x4.splat(site);
    let x3 = i32x4.splat(0);
    let k0 = seedLow;
    let k1 = seedHigh;
    for (let round = 0; round < 10; round++) {
      const p0 = i64x2.extmul_low_i32x4_u(x0, m0);
      const p1 = i64x2.extmul_high_i32x4_u(x0, m0);
      const q0 = i64x2.extmul_low_i32x4_u(x2, m1);
      const q1 = i64x2.extmul_high_i32x4_u(x2, m1);
      x0 = v128.xor(v128.xor(v128.shuffle<i32>(q0, q1, 1, 3, 5, 7), x1), i32x4.splat(k0));
      x1 = v128.shuffle<i32>(q0, q1, 0, 2, 4, 6);
      x2 = v128.xor(v128.xor(v128.shuffle<i32>(p0, p1, 1, 3, 5, 7), x3), i32x4.splat(k1));
      x3 = v128.shuffle<i32>(p0, p1, 0, 2, 4, 6);
      k0 += 0x9e3779b9;
      k1 += 0xbb67ae85;
    }
    // A lane that keeps is all ones; narrowed to bytes it stays so.
    const low = i8x16.narrow_i16x8_s(i16x8.ge_u(x0, limit), i16x8.ge_u(x1, limit));
    const high = i8x16.narrow_i16x8_s(i16x8.ge_u(x2, limit), i16x8.ge_u(x3, limit));
    const whole = o + 32 <= size;
    const target = whole ? out + o : scratch;
    v128.store(target, v128.and(low, one));
    v128.store(target, v128.and(high, one), 16);
    if (!whole) memory.copy(out + o, scratch, size - o);
  }
}
