/**
 * Luthier's ONNX keeps nothing of what it has read, while transformers.js gives each step the new token alone: without
 * this line every token but the first would be written without what stands before it.
 * @param model the expression that is the model
 */
export const readAllAgain = (model: string): string[] => [
  '// The exported model keeps no cache, so it reads the whole text for each token.',
  `${model}.prepare_inputs_for_generation = ([ids]) => ({`,
  "  input_ids: new Tensor('int64', ids, [1, ids.length]),",
  "  attention_mask: new Tensor('int64', ids.map(() => 1n), [1, ids.length]),",
  '});',
];
