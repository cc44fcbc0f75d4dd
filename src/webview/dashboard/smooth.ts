/**
 * Exponential moving average with the bias of its start taken out, as TensorBoard smooths
 * (tensorboard/webapp/widgets/line_chart_v2: s ← w·s + (1 − w)·x, shown as s / (1 − w^n); the correction is Adam's,
 * Kingma & Ba 2015). Keeps what it has computed, so that a new point costs one step.
 */
export class Smoother {
  #weight = Number.NaN;
  #generation = -1;
  #average = 0;
  /** weight to the number of values seen: what the average still lacks of a whole. */
  #missing = 1;
  #done = 0;
  #out = new Float64Array(1024);

  /**
   * @param y all values so far, [n]; grows at its end between calls.
   * @param weight 0 (none) to below 1.
   * @param generation differs from the last call's when earlier values changed.
   * @returns [n], a view valid until the next call. A value that is not finite repeats the average before it.
   */
  smooth(y: Float64Array, weight: number, generation: number): Float64Array {
    if (weight === 0) return y;
    if (weight !== this.#weight || generation !== this.#generation || y.length < this.#done) {
      this.#weight = weight;
      this.#generation = generation;
      this.#average = 0;
      this.#missing = 1;
      this.#done = 0;
    }
    if (y.length > this.#out.length) {
      const grown = new Float64Array(Math.max(y.length, 2 * this.#out.length));
      grown.set(this.#out);
      this.#out = grown;
    }
    for (let i = this.#done; i < y.length; i++) {
      const value = y[i]!;
      if (Number.isFinite(value)) {
        this.#average = weight * this.#average + (1 - weight) * value;
        this.#missing *= weight;
      }
      this.#out[i] = this.#missing === 1 ? Number.NaN : this.#average / (1 - this.#missing);
    }
    this.#done = y.length;
    return this.#out.subarray(0, y.length);
  }
}
