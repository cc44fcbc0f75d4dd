import type { GenerationSettings } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';

/** Changes the scores of the next token in place, given the tokens before it. */
type Step = (ids: readonly number[], scores: Float32Array) => void;

const { fround } = Math;

/**
 * What settings do to the scores of the next token, in transformers' order and in its arithmetic, 32 bits
 * (generation/logits_process.py): repetition penalty and n-grams always, the others where tokens are drawn.
 */
export function logitsSteps(settings: GenerationSettings): Step {
  const { repetition_penalty = 1, no_repeat_ngram_size = 0 } = settings;
  const steps: Step[] = [];
  if (repetition_penalty !== 1) steps.push((ids, scores) => penalize(ids, scores, fround(repetition_penalty)));
  if (no_repeat_ngram_size > 0) steps.push((ids, scores) => banRepeats(ids, scores, no_repeat_ngram_size));
  if (settings.do_sample) {
    const { temperature = 1, top_k = 0, top_p = 1, min_p = 0 } = settings;
    if (temperature !== 1)
      steps.push((_, scores) => {
        const t = fround(temperature);
        for (let i = 0; i < scores.length; i++) scores[i]! /= t;
      });
    if (top_k > 0) steps.push((_, scores) => keepLargest(scores, top_k));
    if (top_p < 1) steps.push((_, scores) => keepMass(scores, top_p));
    if (min_p > 0) steps.push((_, scores) => keepLikely(scores, min_p));
  }
  return (ids, scores) => {
    for (const step of steps) step(ids, scores);
  };
}

function penalize(ids: readonly number[], scores: Float32Array, penalty: number): void {
  for (const id of new Set(ids)) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
}

/** No sequence of `size` tokens a second time. */
function banRepeats(ids: readonly number[], scores: Float32Array, size: number): void {
  const prefix = ids.length - (size - 1);
  if (ids.length < size) return;
  for (let start = 0; start + size <= ids.length; start++) {
    let same = 0;
    while (same < size - 1 && ids[start + same] === ids[prefix + same]) same++;
    if (same === size - 1) scores[ids[start + size - 1]!] = -Infinity;
  }
}

/** The largest `count`, and those that equal the last of them. */
function keepLargest(scores: Float32Array, count: number): void {
  if (count >= scores.length) return;
  const least = scores.slice().sort()[scores.length - count]!;
  for (let i = 0; i < scores.length; i++) if (scores[i]! < least) scores[i] = -Infinity;
}

/** The likeliest tokens that have a share of `mass` together; the last one that is needed for it stays. */
function keepMass(scores: Float32Array, mass: number): void {
  const order = ascending(scores);
  const probabilities = softmax(scores);
  const limit = fround(1 - mass);
  let sum = 0;
  for (const i of order.subarray(0, -1)) {
    sum = fround(sum + probabilities[i]!);
    if (sum > limit) return;
    scores[i] = -Infinity;
  }
}

/** Tokens that are at least `share` as likely as the likeliest. */
function keepLikely(scores: Float32Array, share: number): void {
  const probabilities = softmax(scores);
  const best = indexOfLargest(scores);
  const least = fround(fround(share) * probabilities[best]!);
  for (let i = 0; i < scores.length; i++) if (i !== best && probabilities[i]! < least) scores[i] = -Infinity;
}

const ascending = (scores: Float32Array): Int32Array =>
  Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]! || a - b);

export function indexOfLargest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

function softmax(scores: Float32Array): Float32Array {
  const largest = scores[indexOfLargest(scores)]!;
  const result = new Float32Array(scores.length);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    result[i] = Math.exp(scores[i]! - largest);
    sum += result[i]!;
  }
  for (let i = 0; i < result.length; i++) result[i]! /= sum;
  return result;
}

export function logSoftmax(scores: Float32Array): Float32Array {
  const largest = scores[indexOfLargest(scores)]!;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - largest);
  const log = Math.log(sum);
  return scores.map((score) => score - largest - log);
}

/** Draws a token; the same seed and the same scores give the same tokens. */
export function sampler(seed: number, stream = 0): (scores: Float32Array) => number {
  const random = new Random(seed, stream);
  return (scores) => {
    const probabilities = softmax(scores);
    let left = random.float();
    let last = 0;
    for (let i = 0; i < probabilities.length; i++) {
      const p = probabilities[i]!;
      if (p === 0) continue;
      last = i;
      left -= p;
      if (left < 0) return i;
    }
    return last;
  };
}
