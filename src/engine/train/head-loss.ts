/** What a head learns: one class of several, each label by itself, or a number. */
export type HeadLoss = 'class' | 'labels' | 'value';

/** What a head is to answer for each row. */
export interface HeadTargets {
  /** A class's number for each row; or `[N, outputs]` of 0 and 1, or of numbers. */
  labels: ArrayLike<number>;
  outputs: number;
  loss: HeadLoss;
  /** What a row counts, by its class; 1 without it. */
  classWeights?: ArrayLike<number> | null;
  /** Share of a target that is spread over all classes. */
  smoothing?: number;
}

/** Of some rows, summed. */
export interface HeadLosses {
  loss: number;
  /** How the loss curves, a mean of the outputs: of a row's logits the diagonal of the Hessian. */
  curvature: number;
}

/**
 * The losses of some rows; in the place of their logits, the gradient by these.
 * @param first number of the row that the logits begin with
 * @param logits `[rows, columns]`, of which the first columns are the outputs; the others become 0
 */
export function headLosses(targets: HeadTargets, first: number, logits: Float64Array, columns: number): HeadLosses {
  const { outputs: K, labels, loss } = targets;
  const rows = logits.length / columns;
  const sums = { loss: 0, curvature: 0 };
  if (loss === 'class') {
    const target = classTargets(targets);
    for (let row = 0; row < rows; row++)
      crossEntropy(logits.subarray(row * columns, row * columns + K), target(labels[first + row]!), sums);
  } else {
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < K; k++) {
        const [z, t] = [logits[row * columns + k]!, labels[(first + row) * K + k]!];
        const p = loss === 'value' ? z : 1 / (1 + Math.exp(-z));
        if (loss === 'value') sums.loss += (z - t) ** 2 / 2;
        else sums.loss += Math.max(z, 0) - t * z + Math.log1p(Math.exp(-Math.abs(z)));
        sums.curvature += loss === 'value' ? 1 / K : (p * (1 - p)) / K;
        logits[row * columns + k] = p - t;
      }
  }
  if (columns > K) for (let row = 0; row < rows; row++) logits.fill(0, row * columns + K, (row + 1) * columns);
  return sums;
}

/** What each output of a row of a class is to be, weighted: as torch.nn.CrossEntropyLoss weighs smoothed targets. */
function classTargets({ outputs: K, classWeights, smoothing = 0 }: HeadTargets): (label: number) => Float64Array {
  const weight = (k: number) => classWeights?.[k] ?? 1;
  const spread = Float64Array.from({ length: K }, (_, k) => (smoothing / K) * weight(k));
  const target = new Float64Array(K);
  return (label) => {
    target.set(spread);
    target[label] = (smoothing / K + 1 - smoothing) * weight(label);
    return target;
  };
}

function crossEntropy(logits: Float64Array, target: Float64Array, sums: HeadLosses): void {
  const K = logits.length;
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < K; k++) if (logits[k]! > most) most = logits[k]!;
  let [sum, weight, loss] = [0, 0, 0];
  for (let k = 0; k < K; k++) sum += Math.exp(logits[k]! - most);
  const log = most + Math.log(sum);
  for (let k = 0; k < K; k++) {
    loss += target[k]! * (log - logits[k]!);
    weight += target[k]!;
  }
  let squares = 0;
  for (let k = 0; k < K; k++) {
    const p = Math.exp(logits[k]! - log);
    squares += p * p;
    logits[k] = weight * p - target[k]!;
  }
  sums.loss += loss;
  sums.curvature += (weight * (1 - squares)) / K;
}
