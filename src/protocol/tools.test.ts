import { expect, it } from 'vitest';
import { callText, toolName, toolsIn } from './tools.ts';

const weather = { type: 'function', function: { name: 'get_weather', parameters: {} } };

it('reads tools from a list, a row, the first of several rows, and a cell; says what is wrong', () => {
  for (const text of [
    JSON.stringify([weather]),
    JSON.stringify({ messages: [], tools: [weather] }),
    `${JSON.stringify({ tools: [weather] })}\n${JSON.stringify({ tools: [] })}\n`,
    JSON.stringify({ tools: JSON.stringify([weather]) }),
  ])
    expect(toolsIn(text)).toEqual({ tools: [weather] });
  expect(toolsIn('get_weather')).toMatchObject({ problem: expect.stringContaining('no JSON') });
  expect(toolsIn('[]')).toMatchObject({ problem: expect.stringContaining('no tools') });
  expect(toolsIn('{"name": "x"}')).toMatchObject({ problem: expect.stringContaining('no tools') });
  expect(toolsIn(JSON.stringify([weather, { type: 'function' }]))).toEqual({ problem: 'Tool 2 has no name.' });
  expect([toolName(weather), toolName({ name: 'now' }), toolName('now')]).toEqual(['get_weather', 'now', null]);
});

it('shows a call in a line', () => {
  const call = { type: 'function', function: { name: 'find', arguments: { city: 'Oslo', days: [1, 2] } } } as const;
  expect(callText(call)).toBe('find(city="Oslo", days=[1,2])');
});
