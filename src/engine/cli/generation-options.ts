import { Option } from 'commander';
import {
  type BackendChoice,
  type GenerationSettings,
  LuthierError,
  SAMPLING_KEYS,
  settingsProblem,
} from '../../protocol/index.ts';

/** Flags of generate and chat, as they are typed. */
export interface GenerationFlags {
  maxNewTokens?: string;
  numBeams?: string;
  sample?: boolean;
  temperature?: string;
  topK?: string;
  topP?: string;
  minP?: string;
  repetitionPenalty?: string;
  noRepeatNgramSize?: string;
  stop?: string[];
  seed?: string;
  loadIn8bit?: boolean;
}

const collect = (value: string, before: string[] = []) => [...before, value];

export const generationOptions = (): Option[] => [
  new Option('--max-new-tokens <n>', 'tokens to write at most (default: 128)'),
  new Option('--num-beams <n>', 'search with this many beams'),
  new Option('--sample', 'draw tokens at random; without a sampling flag, the likeliest token is taken'),
  new Option('--temperature <t>', 'sample; below 1 prefers likely tokens, above 1 unlikely ones'),
  new Option('--top-k <k>', 'sample from the k likeliest tokens'),
  new Option('--top-p <p>', 'sample from the likeliest tokens that together have this probability'),
  new Option('--min-p <p>', 'sample from tokens at least this likely, relative to the likeliest'),
  new Option('--repetition-penalty <x>', 'above 1, tokens that are there already become less likely'),
  new Option('--no-repeat-ngram-size <n>', 'write no sequence of n tokens twice'),
  new Option('--stop <text>', 'end at this text; can be repeated').argParser(collect),
  new Option('--load-in-8bit', 'compute in 8 bits: faster, and an answer may differ'),
  new Option('--seed <n>', 'seed for sampling (default: 0); the same seed gives the same answer'),
];

/** How a model that writes is opened. */
export const writerOptions = ({
  backend,
  loadIn8bit,
}: GenerationFlags & { backend?: BackendChoice }): { backend?: BackendChoice; load_in_8bit?: boolean } => ({
  ...(backend ? { backend } : {}),
  ...(loadIn8bit ? { load_in_8bit: true } : {}),
});

/** @throws LuthierError `usage` naming the flag */
export function settingsOf(flags: GenerationFlags): GenerationSettings {
  const numbers = {
    max_new_tokens: flags.maxNewTokens,
    num_beams: flags.numBeams,
    temperature: flags.temperature,
    top_k: flags.topK,
    top_p: flags.topP,
    min_p: flags.minP,
    repetition_penalty: flags.repetitionPenalty,
    no_repeat_ngram_size: flags.noRepeatNgramSize,
    seed: flags.seed,
  };
  const settings: GenerationSettings = {
    // An empty value is no number, though JavaScript makes 0 of it.
    ...Object.fromEntries(
      Object.entries(numbers)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, value!.trim() === '' ? Number.NaN : Number(value)]),
    ),
    ...(flags.stop === undefined ? {} : { stop: flags.stop }),
  };
  if (flags.sample || SAMPLING_KEYS.some((key) => settings[key] !== undefined)) settings.do_sample = true;
  const problem = settingsProblem(settings);
  if (problem === null) return settings;
  const named = problem.replace(/^[a-z_]+(?= )/, (key) => (key in numbers ? `--${key.replaceAll('_', '-')}` : key));
  throw new LuthierError('usage', `${named}.`, 'luthier generate --help explains each flag.');
}
