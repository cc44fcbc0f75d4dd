import { largest } from '../../protocol/index.ts';
import { MOST_LOGITS } from '../infer/inference.ts';
import { type Architecture, declarationOf } from '../models/architecture.ts';
import { LOGITS_AT_ONCE } from '../runtime/programs.ts';
import type { HeldBits } from '../tensor/executors/executor.ts';

/** What a model and its strategy come to. */
export interface Sizes {
  parameters: number;
  trained: number;
  /** Of matrices that products multiply by, and of those that are trained. */
  matrices: number;
  trainedMatrices: number;
  /** Frozen ones that are to be computed with in so many bits, and those that a graphics card has in blocks alone. */
  held: { bits: HeldBits; all: number; inBlocks: number } | undefined;
  /** Share of the layers that gradients pass through; none where the head alone is trained. */
  passedShare: number;
  /** Tokens in front of each text. */
  virtualTokens: number;
  /** Keys and values that every token of a batch sees beside its text's. */
  prefixTokens: number;
  /** Of layers whose outputs learn their lengths, where there are such. */
  magnitudes: Magnitudes | undefined;
  /** Whether weights of these layers get gradients, which their inputs are kept for. */
  trainsWeights: boolean;
}

/** What DoRA comes to. */
export interface Magnitudes {
  /** Weights of the layers, of the largest one, and of a token's outputs. */
  weights: number;
  largest: number;
  outputs: number;
  /** Share of all layers' products that are computed a second time, behind dropout. */
  repeatedShare: number;
}

/** The largest batches of a run. */
export interface Batches {
  /** Tokens of one that is trained on, and of one that is evaluated. */
  tokens: number;
  evalTokens: number;
  /** Of a batch's rows, each as long as the longest text. */
  rowLength: number;
  /** What layers compute is computed again for its gradients. */
  recompute?: boolean | undefined;
}

/** Of the layers that gradients pass through so many at a time have all that they keep, and all what goes into them. */
const keptAtOnce = (layers: number, { recompute }: Batches): { whole: number; inputs: number } =>
  recompute ? { whole: Math.min(layers, 1), inputs: layers } : { whole: layers, inputs: 0 };

/** Bytes of what a step or an evaluation computes on its way, at the worst moment. Fitted to measured peaks. */
export const activationBytes = (architecture: Architecture, sizes: Sizes, batches: Batches): number =>
  (architecture.isCausal ? decoder(architecture, sizes, batches) : encoder(architecture, sizes, batches)) +
  magnitudeBytes(sizes, batches);

/** Of DoRA, arrays as long as a layer's outputs that are kept for the lengths' gradients. */
const KEPT_OUTPUTS = 1;
/** Arrays as large as the weights of which the lengths are taken: the difference, their sum, its squares. */
const MEASURED_ARRAYS = 3;

const magnitudeBytes = ({ magnitudes }: Sizes, { tokens }: Batches): number =>
  magnitudes ? 4 * (KEPT_OUTPUTS * tokens * magnitudes.outputs + MEASURED_ARRAYS * magnitudes.largest) : 0;

/** Arrays as long as a token's hidden state that a layer keeps for its gradients, and as long as its inner state. */
const HIDDEN_ARRAYS = 13;
const INNER_ARRAYS = 3;
/** Arrays as large as the logits of all labels. */
const LOGITS_ARRAYS = 3;
/** Without gradients a layer's arrays are used again by the next. */
const INFERENCE_ARRAYS = 12;
/** Of a layer's arrays those that are kept where none of its weights is trained: none of their gradients needs its input. */
const KEPT_WITHOUT_WEIGHTS = 0.6;

function encoder(architecture: Architecture, sizes: Sizes, batches: Batches): number {
  const { tokens, evalTokens } = batches;
  const { hiddenSize: hidden, numLayers, outputs = 0 } = architecture;
  const keptShare = sizes.trainsWeights ? 1 : KEPT_WITHOUT_WEIGHTS;
  const { whole, inputs } = keptAtOnce(numLayers * sizes.passedShare, batches);
  const kept = 4 * ((HIDDEN_ARRAYS * hidden + INNER_ARRAYS * 4 * hidden) * whole * keptShare + hidden * inputs);
  const passing = 4 * INFERENCE_ARRAYS * hidden;
  const logits = 4 * LOGITS_ARRAYS * outputs;
  const evaluated = Math.min(evalTokens * logits, 4 * LOGITS_ARRAYS * MOST_LOGITS);
  return Math.max(tokens * (kept + passing + logits), evalTokens * passing + evaluated);
}

/** Of a decoder's layer, arrays as long as the hidden state beside what its linear layers give: norms, rotated heads, sums. */
const BESIDE_LINEAR = 2;
/** The same where its weights are trained, whose gradients need their inputs; and the widest of these once more. */
const BESIDE_TRAINED = 4;
/** Scores of attention, their probabilities and a gradient: of one layer at a time, since they are computed again. */
const SCORE_ARRAYS = 3;
/** With dropout in attention they are not: each layer keeps probabilities, what is left of them, and a mask of bytes. */
const DROPPED_SCORE_ARRAYS = 2.25;

function decoder(architecture: Architecture, sizes: Sizes, batches: Batches): number {
  const { tokens, evalTokens } = batches;
  const rowLength = batches.rowLength + sizes.prefixTokens;
  const { hiddenSize: hidden, numLayers, numHeads, outputs = 0 } = architecture;
  const { parameters, sites } = declarationOf(architecture);
  const widths = [...parameters.values()].flatMap(({ layout, place, shape }) =>
    layout && place !== 'head' ? [layout === 'out,in' ? shape[0]! : shape[1]!] : [],
  );
  const linear = widths.reduce((sum, width) => sum + width, 0) / numLayers;
  // A mask of probabilities has their four axes.
  const dropsScores = [...sites.values()].some(({ shape }) => shape.length === 4);
  const keptScores = dropsScores ? DROPPED_SCORE_ARRAYS * numHeads * rowLength : 0;
  const kept =
    keptScores + linear + (sizes.trainsWeights ? BESIDE_TRAINED * hidden + largest(widths) : BESIDE_LINEAR * hidden);
  const scores = SCORE_ARRAYS * numHeads * rowLength;
  // A part's are kept for its gradient; what else its loss takes is there for one part at a time.
  const logits = Math.min(tokens * outputs * LOGITS_ARRAYS, tokens * outputs + LOGITS_ARRAYS * LOGITS_AT_ONCE);
  const { whole, inputs } = keptAtOnce(numLayers * sizes.passedShare, batches);
  const trained = tokens * (whole * kept + inputs * hidden + scores) + logits;
  const evaluated = evalTokens * (linear + scores) + LOGITS_ARRAYS * Math.min(evalTokens * outputs, MOST_LOGITS);
  return 4 * Math.max(trained, evaluated);
}
