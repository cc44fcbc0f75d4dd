// AssemblyScript, compiled to dist/engine/kernels.wasm by scripts/build-kernels.mjs. Addresses and lengths are
// not checked here: tensor/kernels/memory.ts, the only caller, does it.
export { adamw, adamwRows } from './adamw';
export { dropoutMask } from './dropout';
export { addScaled, fill, scale, sumOfSquares, sumOfSquaresInRows } from './elementwise';
export { multiplyAdd } from './products';
export { clearRows, segmentSum } from './segment';
