import * as hf from '@huggingface/tokenizers';
import { ExactBertNormalizer, ExactBertPreTokenizer, lowercase } from './bert-text.ts';
import { ExactPrecompiledNormalizer } from './charsmap.ts';
import { invalid, type TokenizerFiles } from './tokenizer-files.ts';

/*
 * @huggingface/tokenizers with the steps replaced in which its answers differ from Python's tokenizers:
 * BertNormalizer, BertPreTokenizer, Lowercase, Precompiled and WhitespaceSplit. The rest is the library's.
 * parity.test.ts holds each of them to Python's ids, over every code point.
 */

export class ExactLowercase extends hf.LowercaseNormalizer {
  override normalize(text: string): string {
    return lowercase(text);
  }
}

/** JavaScript's \s takes U+FEFF for white space and U+0085 not; Unicode, and so Python's tokenizers, the other way round. */
export class ExactWhitespaceSplit extends hf.WhitespaceSplitPreTokenizer {
  override pre_tokenize_text(text: string): string[] {
    return text.match(/\P{White_Space}+/gu) ?? [];
  }
}

/** The library's own reason; where it stumbled over a value of another kind its words name nothing that is in the file. */
export const whyNot = (error: unknown): string =>
  error instanceof TypeError || !(error instanceof Error)
    ? 'a part of it is missing or of another kind'
    : error.message.replace(/: undefined$/, ' missing');

/** The library's tokenizer for a folder. Throws LuthierError `tokenizer-invalid` when it does not understand the file. */
export function createLibraryTokenizer({ json, config, source }: TokenizerFiles): hf.Tokenizer {
  let library: hf.Tokenizer;
  try {
    // tokenizer_config.json's remaining keys would change how the library splits text; Python's tokenizers ignores them.
    library = new hf.Tokenizer(json, { eos_token: config.eos_token, clean_up_tokenization_spaces: false });
    library.normalizer = exactNormalizer(library.normalizer);
    library.pre_tokenizer = exactPreTokenizer(library.pre_tokenizer);
  } catch (error) {
    throw invalid(
      source,
      `is not understood (${whyNot(error)})`,
      'Luthier reads BERT’s, GPT’s, T5’s and BART’s tokenizers.',
      error,
    );
  }
  return library;
}

function exactNormalizer(normalizer: hf.Normalizer | null): hf.Normalizer | null {
  if (normalizer instanceof hf.BertNormalizer) return new ExactBertNormalizer(normalizer.config);
  if (normalizer instanceof hf.PrecompiledNormalizer && normalizer.charsmap)
    return new ExactPrecompiledNormalizer(normalizer.config);
  if (normalizer instanceof hf.LowercaseNormalizer) return new ExactLowercase(normalizer.config);
  if (normalizer instanceof hf.SequenceNormalizer) normalizer.normalizers = normalizer.normalizers.map(exactNormalizer);
  return normalizer;
}

function exactPreTokenizer(preTokenizer: hf.PreTokenizer | null): hf.PreTokenizer | null {
  if (preTokenizer instanceof hf.BertPreTokenizer) return new ExactBertPreTokenizer();
  if (preTokenizer instanceof hf.WhitespaceSplitPreTokenizer) return new ExactWhitespaceSplit();
  if (preTokenizer instanceof hf.SequencePreTokenizer)
    preTokenizer.tokenizers = preTokenizer.tokenizers.map(exactPreTokenizer);
  return preTokenizer;
}

/** Matches a text that holds an added token such as [SEP], or null when there are none. */
export function addedTokenPattern(library: hf.Tokenizer): RegExp | null {
  const contents = [...library.get_added_tokens_decoder().values()].flatMap(({ content, normalized }) =>
    normalized && library.normalizer ? [content, library.normalizer.normalize(content)] : [content],
  );
  const escaped = contents.filter((content) => content !== '').map((c) => c.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return escaped.length === 0 ? null : new RegExp(escaped.join('|'), 'u');
}
