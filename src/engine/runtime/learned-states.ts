/** States that a step learns from, one after the other; what is left of the room has no weight. */
export interface LearnedStates {
  /** Where each is among all states, `[room]`. */
  readonly states: Int32Array;
  /** Label and weight of each, `[room]`. */
  readonly labels: Int32Array;
  readonly weights: Float32Array;
}

/** Sizes of the room: each is a program of its own, so there are few, and at most a quarter of all states is computed in vain. */
const SIZES = 4;

/**
 * Those of a batch's states that have a label and a weight. Of a conversation these are the answers' alone, often less than
 * half; a head over a vocabulary, a quarter of a small decoder's step, is computed for no others.
 * @param labels of all states, below 0 where there is none
 * @returns undefined where it would be all states, or nearly
 */
export function learnedStates(labels: Int32Array, weights: Float32Array): LearnedStates | undefined {
  const learned: number[] = [];
  for (let i = 0; i < labels.length; i++) if (labels[i]! >= 0 && weights[i] !== 0) learned.push(i);
  const step = Math.ceil(labels.length / SIZES);
  const room = step * Math.max(1, Math.ceil(learned.length / step));
  if (room >= labels.length) return undefined;
  const made = { states: new Int32Array(room), labels: new Int32Array(room), weights: new Float32Array(room) };
  made.states.set(learned);
  for (const [to, from] of learned.entries()) {
    made.labels[to] = labels[from]!;
    made.weights[to] = weights[from]!;
  }
  return made;
}
