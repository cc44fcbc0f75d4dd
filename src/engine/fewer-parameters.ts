/**
 * What lessens the memory that a run needs, in hints of floors that know no strategies; those of the registry but "full"
 * (strategies.test.ts compares).
 */
export const FEWER_PARAMETERS =
  'train fewer parameters: strategy "freeze" with a larger num_frozen_layers, "lora", "bitfit", "prompt-tuning", "prefix-tuning" (to write) or "head"';
