// tfjs-core ships its own gradients apart from its ops; without them tf.grads knows none. Unbundled, their file is part of
// another copy, one without a handler of tensors’ methods: the first copy makes the engine for both, so the whole one is first.
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

export { attention, HIDDEN } from './attention.ts';
export { binaryCrossEntropy } from './binary-cross-entropy.ts';
export { crossEntropy, rowLosses } from './cross-entropy.ts';
export { registerOps } from './define.ts';
export { applyDropout } from './dropout.ts';
export { dropoutScales, rowWords } from './dropout-scales.ts';
export { embedding } from './embedding.ts';
export { rowNorms, scaledSquare } from './flat.ts';
export { binaryFocalLoss, focalLoss } from './focal-loss.ts';
export { gelu, geluTanh } from './gelu.ts';
export { valueAndGrads } from './gradients.ts';
export { headDots } from './head-dots.ts';
export { embeddingInPieces, productInPieces } from './in-pieces.ts';
export { layerNorm } from './layer-norm.ts';
export { linear } from './linear.ts';
export { matMul } from './matmul.ts';
export { rmsNorm } from './rms-norm.ts';
export { rotary } from './rotary.ts';
export { swiGlu } from './swiglu.ts';
