import { scale } from './elementwise';

/**
 * One step of AdamW on n float32 values, in place (Loshchilov and Hutter 2019, algorithm 2, as torch.optim.AdamW):
 *
 *   g' = gradScale · g
 *   m  = β1 · m + (1 − β1) · g'
 *   v  = β2 · v + (1 − β2) · g'²
 *   w  = decay · w − stepSize · m / (√v · rsqrtCorrection + ε)
 *
 * with decay = 1 − lr · λ, stepSize = lr / (1 − β1^t), rsqrtCorrection = 1 / √(1 − β2^t), which the host computes
 * in double. The moments of weights that get no gradient for long would end as denormals, on which processors are
 * slow: |m| and |v| below 1e-30, far below any ε², become zero, and so do gradients whose square would be denormal.
 */
export function adamw(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  n: i32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  decay: f32,
  stepSize: f32,
  rsqrtCorrection: f32,
  gradScale: f32,
): void {
  const b1 = f32x4.splat(beta1);
  const c1 = f32x4.splat(oneMinusBeta1);
  const b2 = f32x4.splat(beta2);
  const c2 = f32x4.splat(oneMinusBeta2);
  const eps = f32x4.splat(epsilon);
  const keep = f32x4.splat(decay);
  const size = f32x4.splat(stepSize);
  const correction = f32x4.splat(rsqrtCorrection);
  const factor = f32x4.splat(gradScale);
  const tiny = f32x4.splat(1e-30);
  const tinyGradient = f32x4.splat(1e-18);

  const bytes = (n as usize) << 2;
  const end = bytes & ~(15 as usize);
  let o: usize = 0;
  for (; o < end; o += 16) {
    let gradient = f32x4.mul(v128.load(g + o), factor);
    // "Not less than" keeps NaN, so that a broken gradient shows.
    gradient = v128.andnot(gradient, f32x4.lt(f32x4.abs(gradient), tinyGradient));
    let first = f32x4.add(f32x4.mul(v128.load(m + o), b1), f32x4.mul(gradient, c1));
    first = v128.andnot(first, f32x4.lt(f32x4.abs(first), tiny));
    let second = f32x4.add(f32x4.mul(v128.load(v + o), b2), f32x4.mul(f32x4.mul(gradient, gradient), c2));
    second = v128.andnot(second, f32x4.lt(second, tiny));
    v128.store(m + o, first);
    v128.store(v + o, second);
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(second), correction), eps);
    v128.store(w + o, f32x4.sub(f32x4.mul(v128.load(w + o), keep), f32x4.mul(size, f32x4.div(first, denominator))));
  }
  for (; o < bytes; o += 4) {
    let gradient = load<f32>(g + o) * gradScale;
    if (abs(gradient) < 1e-18) gradient = 0;
    let first = load<f32>(m + o) * beta1 + gradient * oneMinusBeta1;
    if (abs(first) < 1e-30) first = 0;
    let second = load<f32>(v + o) * beta2 + gradient * gradient * oneMinusBeta2;
    if (second < 1e-30) second = 0;
    store<f32>(m + o, first);
    store<f32>(v + o, second);
    const denominator = sqrt<f32>(second) * rsqrtCorrection + epsilon;
    store<f32>(w + o, load<f32>(w + o) * decay - stepSize * (first / denominator));
  }
}

/**
 * The same for a table of `rows` rows of `width` numbers of which few ever had a gradient. Where `touched` is 0,
 * gradient and moments are all zero and the step is the decay alone: the same numbers for a quarter of the traffic.
 */
export function adamwRows(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  touched: usize,
  rows: i32,
  width: i32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  decay: f32,
  stepSize: f32,
  rsqrtCorrection: f32,
  gradScale: f32,
): void {
  const stride = (width as usize) << 2;
  for (let row: usize = 0; row < (rows as usize); row++) {
    const o = row * stride;
    if (load<u8>(touched + row) === 0) {
      scale(w + o, width, decay);
      continue;
    }
    adamw(
      w + o,
      g + o,
      m + o,
      v + o,
      width,
      beta1,
      oneMinusBeta1,
      beta2,
      oneMinusBeta2,
      epsilon,
      decay,
      stepSize,
      rsqrtCorrection,
      gradScale,
    );
  }
}
