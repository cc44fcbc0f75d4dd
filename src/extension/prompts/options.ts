import { counted, DEFAULT_NEW_TOKENS, type GenerationSettings } from '../../protocol/index.ts';

/** What templates of both generations call a setting of generation. */
const NAMES: Readonly<Record<string, keyof GenerationSettings>> = {
  ...{ max_tokens: 'max_new_tokens', max_completion_tokens: 'max_new_tokens', maxOutputTokens: 'max_new_tokens' },
  ...{ max_new_tokens: 'max_new_tokens', temperature: 'temperature', seed: 'seed' },
  ...{ top_p: 'top_p', topP: 'top_p', top_k: 'top_k', topK: 'top_k', min_p: 'min_p' },
};

/** A template's options as settings of an answer; what is no setting here is left out. */
export function settingsOf(options: Readonly<Record<string, unknown>>): GenerationSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const key = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (key !== undefined && typeof value === 'number' && Number.isFinite(value)) settings[key] = value;
  }
  const stop = options.stop ?? options.stopSequences;
  const texts = (Array.isArray(stop) ? stop : [stop]).filter((text) => typeof text === 'string' && text !== '');
  if (texts.length > 0) settings.stop = texts;
  // Nothing is drawn at a temperature of 0.
  if (settings.temperature === 0) delete settings.temperature;
  return settings;
}

/** The same in words. */
export function optionsInWords(options: Readonly<Record<string, unknown>>): string {
  const { max_new_tokens = DEFAULT_NEW_TOKENS, stop, ...others } = settingsOf(options);
  return [
    `At most ${counted(max_new_tokens, 'token')}`,
    ...Object.entries(others).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`),
    ...(stop ? [`stops at ${stop.map((text) => `“${text.replaceAll('\n', '↵')}”`).join(', ')}`] : []),
  ].join(', ');
}
