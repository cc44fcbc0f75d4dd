import { expect, it } from 'vitest';
import { LuthierError } from '../../../protocol/index.ts';
import { endingOn } from './ending-on.ts';

interface Asked {
  ask: { params: string; result: string };
}

it('fails a request with its error, and ends after the one that nothing can be answered after', async () => {
  let ends = 0;
  const handlers = endingOn<Asked>(
    'device-lost',
    {
      ask: async (what) => {
        if (what === 'answer') return 'here';
        throw new LuthierError(what === 'lost' ? 'device-lost' : 'usage', `No ${what}.`);
      },
    },
    () => ends++,
  );
  const ask = async (what: string) => handlers.ask(what, new AbortController().signal);
  expect(await ask('answer')).toBe('here');
  await expect(ask('other')).rejects.toThrow('No other.');
  expect(ends).toBe(0);
  await expect(ask('lost')).rejects.toMatchObject({ code: 'device-lost' });
  expect(ends).toBe(1);
});
