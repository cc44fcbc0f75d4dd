import { expect, it } from 'vitest';
import { openRowTemplate } from './row-template.ts';

it('a rest takes no row from who still renders one', { timeout: 30_000 }, async () => {
  const text = '---\ninputs: { a: { type: string } }\nmodel: { api: completion }\n---\nsays {{ a }}';
  const template = openRowTemplate({ path: 'ask.prompty', text }, () => Promise.reject(new Error('not needed')));
  const rendered = async (a: string) => (await template.render({ a })).text;
  expect(await rendered('one')).toBe('says one');
  const going = rendered('two');
  // It is with the thread by now.
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  template.rest();
  expect(await going).toBe('says two');
  template.rest();
  expect(await rendered('three')).toBe('says three');
  template.rest();
});
