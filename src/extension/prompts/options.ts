import { settingsOf } from '../../prompts/options.ts';
import { counted, DEFAULT_NEW_TOKENS } from '../../protocol/index.ts';

/** How a template wants to be answered, in words. */
export function optionsInWords(options: Readonly<Record<string, unknown>>): string {
  const { max_new_tokens = DEFAULT_NEW_TOKENS, stop, do_sample: _, ...others } = settingsOf(options).settings;
  return [
    `At most ${counted(max_new_tokens, 'token')}`,
    ...Object.entries(others).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`),
    ...(stop ? [`stops at ${stop.map((text) => `“${text.replaceAll('\n', '↵')}”`).join(', ')}`] : []),
  ].join(', ');
}
