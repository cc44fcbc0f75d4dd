import type { Split } from '../../protocol/index.ts';
import type { Encoded } from './encode.ts';
import { FeatureCache } from './feature-cache.ts';
import { type FeatureSource, featuresOf } from './features.ts';

/** What a head is given for each row where nothing below it is trained: computed once, then reused. */
export class HeadFeatures {
  readonly #source: Omit<FeatureSource, 'cache'>;
  readonly #encoded: Encoded;
  readonly #known: Partial<Record<Split, Float32Array>> = {};

  constructor(source: Omit<FeatureSource, 'cache'>, encoded: Encoded) {
    this.#source = source;
    this.#encoded = encoded;
  }

  /** @returns `[N, H]` of the part's items; says once that frozen layers run only once */
  async of(split: Split, between?: (done: number, total: number) => Promise<void>): Promise<Float32Array> {
    const { note } = this.#source;
    if (Object.keys(this.#known).length === 0) {
      note(
        'info',
        'The frozen layers run only once, without dropout: their output for each row is computed and then reused.',
      );
    }
    const source = { ...this.#source, cache: new FeatureCache(note) };
    this.#known[split] ??= await featuresOf(source, this.#encoded[split], between);
    return this.#known[split];
  }
}
