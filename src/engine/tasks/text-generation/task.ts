import type { TextReport } from '../../../protocol/index.ts';
import { languageReport } from '../language/report.ts';
import { LANGUAGE } from '../language/task.ts';
import type { Task } from '../task.ts';
import { encodePassages, type TextItem, tellLong, textPrompts } from './encode.ts';
import { PASSAGES, type Passage } from './rows.ts';

/** Texts that are continued: plain ones, or prompts with completions. */
export const textGeneration: Task<Passage, TextItem, never, TextReport> = {
  ...PASSAGES,
  ...LANGUAGE,
  encode: encodePassages,
  tellLong,
  samplePrompts: textPrompts,
  evaluate: (options) => languageReport('text-generation', options) as TextReport,
  pool: (reports) => LANGUAGE.pool(reports) as TextReport,
  save: {
    config: {},
    peft: 'CAUSAL_LM',
    pipeline: 'text-generation',
    noun: 'language model',
    does: () => 'continues texts',
    autoModel: 'CausalLM',
  },
};
