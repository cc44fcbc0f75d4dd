import type { Split } from '../../protocol/index.ts';
import type { LabelledItem } from '../tasks/task.ts';
import { FeatureCache } from './feature-cache.ts';
import { type FeatureSource, featuresOf } from './features.ts';

/** What a head is given for each row where nothing below it is trained: computed once, then reused. */
export class HeadFeatures {
  readonly #source: Omit<FeatureSource, 'cache'>;
  readonly #items: Readonly<Record<Split, readonly LabelledItem[]>>;
  readonly #known: Partial<Record<Split, Float32Array>> = {};

  /** @param items of the parts, and what is learnt beside the training rows' behind these */
  constructor(source: Omit<FeatureSource, 'cache'>, items: Readonly<Record<Split, readonly LabelledItem[]>>) {
    this.#source = source;
    this.#items = items;
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
    this.#known[split] ??= await featuresOf(source, this.#items[split], between);
    return this.#known[split];
  }
}
