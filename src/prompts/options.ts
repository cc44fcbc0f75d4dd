import { type GenerationSettings, SAMPLING_KEYS, settingsProblem } from '../protocol/index.ts';

/** What both generations, and services that templates are written for, call the settings of generation. */
const NAMES: Record<string, keyof GenerationSettings> = {
  ...{ max_tokens: 'max_new_tokens', maxOutputTokens: 'max_new_tokens', max_output_tokens: 'max_new_tokens' },
  ...{ max_completion_tokens: 'max_new_tokens', maxTokens: 'max_new_tokens', max_new_tokens: 'max_new_tokens' },
  ...{ topP: 'top_p', topK: 'top_k', minP: 'min_p', stopSequences: 'stop', stop_sequences: 'stop' },
  ...{ temperature: 'temperature', top_p: 'top_p', top_k: 'top_k', min_p: 'min_p', stop: 'stop', seed: 'seed' },
  ...{ repetition_penalty: 'repetition_penalty', no_repeat_ngram_size: 'no_repeat_ngram_size' },
  ...{ num_beams: 'num_beams', do_sample: 'do_sample' },
};

/**
 * How a template wants to be answered, as our models can. A temperature of 0 takes the likeliest token, any other draws.
 * @param options `model.parameters` or `model.options`
 * @returns also what is left out of it, as a sentence to be said
 */
export function settingsOf(options: Readonly<Record<string, unknown>>): {
  settings: GenerationSettings;
  notes: string[];
} {
  let settings: GenerationSettings = {};
  const unknown: string[] = [];
  const wrong: string[] = [];
  for (const [name, given] of Object.entries(options)) {
    const key = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (key === undefined) {
      unknown.push(name);
      continue;
    }
    if (given === null || (key === 'temperature' && given === 0)) continue;
    const value = key === 'stop' && typeof given === 'string' ? [given] : given;
    const next = { ...settings, [key]: value } as GenerationSettings;
    const isKind =
      key === 'stop'
        ? Array.isArray(value) && value.every((text) => typeof text === 'string')
        : typeof value === (key === 'do_sample' ? 'boolean' : 'number');
    const problem = isKind ? settingsProblem(next) : `${name} has a value that it cannot have`;
    if (problem === null) settings = next;
    else wrong.push(problem);
  }
  if (options.temperature === 0) for (const key of SAMPLING_KEYS) delete settings[key];
  else if (SAMPLING_KEYS.some((key) => settings[key] !== undefined)) settings.do_sample ??= true;
  return {
    settings,
    notes: [
      ...(unknown.length > 0
        ? [
            `The template’s ${unknown.join(', ')} ${unknown.length === 1 ? 'is' : 'are'} left out: models here have no such setting.`,
          ]
        : []),
      ...wrong.map((problem) => `In the template, ${problem}; it is left out.`),
    ],
  };
}
