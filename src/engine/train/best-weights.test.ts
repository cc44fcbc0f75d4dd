import { describe, expect, it } from 'vitest';
import { isBetter } from './best-weights.ts';

describe('isBetter', () => {
  it('knows which way each metric goes, and NaN is never better', () => {
    expect(isBetter('loss', { loss: 1 }, { loss: 2 })).toBe(true);
    expect(isBetter('ece', { ece: 2 }, { ece: 1 })).toBe(false);
    expect(isBetter('f1_macro', { f1_macro: 0.5 }, { f1_macro: 0.5 })).toBe(false);
    expect(isBetter('accuracy', { accuracy: 0.6 }, { accuracy: 0.5 })).toBe(true);
    expect(isBetter('mcc', { mcc: Number.NaN }, undefined)).toBe(false);
    expect(isBetter('mcc', { mcc: -1 }, undefined)).toBe(true);
  });

  it('takes the lower loss of two that are equal', () => {
    expect(isBetter('f1_macro', { f1_macro: 1, loss: 0.4 }, { f1_macro: 1, loss: 0.9 })).toBe(true);
    expect(isBetter('f1_macro', { f1_macro: 1, loss: 0.9 }, { f1_macro: 1, loss: 0.4 })).toBe(false);
    expect(isBetter('loss', { loss: 0.5 }, { loss: 0.5 })).toBe(false);
  });
});
