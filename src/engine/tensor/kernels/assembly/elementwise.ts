/** Σ x² in double. A float32 sum of 8 million ones over a thousand is 2 % off (7.85 for 8.00). */
export function sumOfSquares(x: usize, n: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  const bytes = (n as usize) << 2;
  const end = bytes & ~(31 as usize);
  let o: usize = 0;
  for (; o < end; o += 32) {
    const a = v128.load(x + o);
    const b = v128.load(x + o, 16);
    const a0 = f64x2.promote_low_f32x4(a);
    const a1 = f64x2.promote_low_f32x4(v128.shuffle<i32>(a, a, 2, 3, 2, 3));
    const b0 = f64x2.promote_low_f32x4(b);
    const b1 = f64x2.promote_low_f32x4(v128.shuffle<i32>(b, b, 2, 3, 2, 3));
    s0 = f64x2.add(s0, f64x2.mul(a0, a0));
    s1 = f64x2.add(s1, f64x2.mul(a1, a1));
    s2 = f64x2.add(s2, f64x2.mul(b0, b0));
    s3 = f64x2.add(s3, f64x2.mul(b1, b1));
  }
  const sum = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (; o < bytes; o += 4) {
    const value = load<f32>(x + o) as f64;
    total += value * value;
  }
  return total;
}

/** The same for a table of `rows` rows of `width` numbers, of which those whose byte in `touched` is 0 are all zero. */
export function sumOfSquaresInRows(x: usize, touched: usize, rows: i32, width: i32): f64 {
  const stride = (width as usize) << 2;
  let total: f64 = 0;
  for (let row: usize = 0; row < (rows as usize); row++) {
    if (load<u8>(touched + row) !== 0) total += sumOfSquares(x + row * stride, width);
  }
  return total;
}

/** x = s · x. */
export function scale(x: usize, n: i32, s: f32): void {
  const factor = f32x4.splat(s);
  const bytes = (n as usize) << 2;
  const end = bytes & ~(15 as usize);
  let o: usize = 0;
  for (; o < end; o += 16) v128.store(x + o, f32x4.mul(v128.load(x + o), factor));
  for (; o < bytes; o += 4) store<f32>(x + o, load<f32>(x + o) * s);
}

/** dst = dst + s · src. */
export function addScaled(dst: usize, src: usize, n: i32, s: f32): void {
  const factor = f32x4.splat(s);
  const bytes = (n as usize) << 2;
  const end = bytes & ~(15 as usize);
  let o: usize = 0;
  for (; o < end; o += 16) {
    v128.store(dst + o, f32x4.add(v128.load(dst + o), f32x4.mul(v128.load(src + o), factor)));
  }
  for (; o < bytes; o += 4) store<f32>(dst + o, load<f32>(dst + o) + load<f32>(src + o) * s);
}

/** x = value. */
export function fill(x: usize, n: i32, value: f32): void {
  const bytes = (n as usize) << 2;
  if (reinterpret<i32>(value) === 0) {
    memory.fill(x, 0, bytes);
    return;
  }
  const lanes = f32x4.splat(value);
  const end = bytes & ~(15 as usize);
  let o: usize = 0;
  for (; o < end; o += 16) v128.store(x + o, lanes);
  for (; o < bytes; o += 4) store<f32>(x + o, value);
}
