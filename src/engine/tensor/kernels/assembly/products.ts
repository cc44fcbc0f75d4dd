/**
 * c += a · b in double: c is [M, K], b is [L, K], K even; a's element (m, l) stands `strideM` · m + `strideL` · l bytes
 * behind a, so that the same loop multiplies by a matrix and by its transpose. Each sum is taken in the order of l.
 * Four by four of c are kept in registers, for which four columns of b are laid side by side in `panel` [L, 4].
 */
export function multiplyAdd(
  c: usize,
  a: usize,
  b: usize,
  M: i32,
  L: i32,
  K: i32,
  strideM: usize,
  strideL: usize,
  panel: usize,
): void {
  const row = (K as usize) << 3;
  let k: i32 = 0;
  for (; k + 4 <= K; k += 4) {
    const column = (k as usize) << 3;
    let from = b + column;
    let to = panel;
    for (let l: i32 = 0; l < L; l++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += row;
      to += 32;
    }
    let m: i32 = 0;
    for (; m + 4 <= M; m += 4)
      four(c + (m as usize) * row + column, row, a + (m as usize) * strideM, L, strideM, strideL, panel);
    for (; m < M; m++) {
      const at = c + (m as usize) * row + column;
      one(at, a + (m as usize) * strideM, L, strideL, panel, 32);
      one(at + 16, a + (m as usize) * strideM, L, strideL, panel + 16, 32);
    }
  }
  if (k < K) {
    const column = (k as usize) << 3;
    for (let m: i32 = 0; m < M; m++)
      one(c + (m as usize) * row + column, a + (m as usize) * strideM, L, strideL, b + column, row);
  }
}

/** Four rows of four. */
function four(c: usize, row: usize, a: usize, L: i32, strideM: usize, strideL: usize, panel: usize): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  let a0 = a;
  let a1 = a + strideM;
  let a2 = a1 + strideM;
  let a3 = a2 + strideM;
  const end = panel + ((L as usize) << 5);
  for (let p = panel; p < end; p += 32) {
    const b0 = v128.load(p);
    const b1 = v128.load(p, 16);
    const x0 = v128.load64_splat(a0);
    c00 = f64x2.add(c00, f64x2.mul(x0, b0));
    c01 = f64x2.add(c01, f64x2.mul(x0, b1));
    const x1 = v128.load64_splat(a1);
    c10 = f64x2.add(c10, f64x2.mul(x1, b0));
    c11 = f64x2.add(c11, f64x2.mul(x1, b1));
    const x2 = v128.load64_splat(a2);
    c20 = f64x2.add(c20, f64x2.mul(x2, b0));
    c21 = f64x2.add(c21, f64x2.mul(x2, b1));
    const x3 = v128.load64_splat(a3);
    c30 = f64x2.add(c30, f64x2.mul(x3, b0));
    c31 = f64x2.add(c31, f64x2.mul(x3, b1));
    a0 += strideL;
    a1 += strideL;
    a2 += strideL;
    a3 += strideL;
  }
  addTo(c, c00, c01);
  addTo(c + row, c10, c11);
  addTo(c + 2 * row, c20, c21);
  addTo(c + 3 * row, c30, c31);
}

function addTo(c: usize, first: v128, second: v128): void {
  v128.store(c, f64x2.add(v128.load(c), first));
  v128.store(c, f64x2.add(v128.load(c, 16), second), 16);
}

/** One row of two, whose columns of b are `step` bytes apart. */
function one(c: usize, a: usize, L: i32, strideL: usize, b: usize, step: usize): void {
  let sum = f64x2.splat(0);
  let x = a;
  let y = b;
  for (let l: i32 = 0; l < L; l++) {
    sum = f64x2.add(sum, f64x2.mul(v128.load64_splat(x), v128.load(y)));
    x += strideL;
    y += step;
  }
  v128.store(c, f64x2.add(v128.load(c), sum));
}
