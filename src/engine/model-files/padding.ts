import type { Note } from '../../protocol/index.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/**
 * A decoder's config.json with the id of what pads: transformers asks for it as soon as it is given two texts, and its
 * classifiers read the last token that is not this one. Where the tokenizer has no padding token, as GPT-2's, its end
 * token serves, which the tokenizer's folder then says too.
 */
export function withPadding(config: ModelConfig, { padding }: Tokenizer, note: Note): ModelConfig {
  if (config.pad_token_id != null || !padding) return config;
  if (padding.isEnd) note('info', `The tokenizer has no padding token; ${JSON.stringify(padding.token)} is used.`);
  return { ...config, pad_token_id: padding.id };
}
