import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { epochTable, type Learner, trainEpoch } from './epoch.ts';
import { resultOf } from './results.ts';
import type { Contender, Round } from './spec.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-epoch-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = path.join(root, 'states');
const CONTENDERS = ['luthier', 'pytorch'] as const;

/** Learners whose loss is one over their step; the second one's process ends after so many turns. */
function learners(turns = Number.POSITIVE_INFINITY) {
  const said: string[] = [];
  const made = new Map<Contender, Learner>();
  const of = (contender: Contender): Learner => {
    let step = 0;
    let done = 0;
    const learner: Learner = {
      total: async () => 12,
      run: async (steps) => {
        if (contender === 'pytorch' && done++ === turns) throw new Error('the process ended');
        const losses = Array.from({ length: steps }, () => 1 / ++step);
        said.push(`${contender} ${step}`);
        return { figures: { total: 10 * steps }, peak_rss_bytes: step, losses };
      },
      save: async (file) => writeFileSync(file, String(step)),
      load: async (file) => {
        step = Number(readFileSync(file, 'utf8'));
      },
      evaluate: async () => Math.log(step),
    };
    if (!made.has(contender)) made.set(contender, learner);
    return made.get(contender)!;
  };
  return { of, said };
}

it('goes on after a call that was ended with what both sides had learnt, and measures them at the end', async () => {
  const rounds: Round[] = [];
  const options = { contenders: CONTENDERS, rounds, folder, most: null, onTurn: () => {} };
  const ended = learners(1);
  await expect(trainEpoch({ ...options, of: ended.of })).rejects.toThrow('the process ended');
  expect(rounds).toHaveLength(1);
  expect(readdirSync(folder).sort()).toEqual(['luthier-1', 'pytorch-1']);

  const again = learners();
  expect(await trainEpoch({ ...options, of: again.of })).toEqual({
    ...{ steps: 12, total: 12, heldOut: { luthier: Math.log(12), pytorch: Math.log(12) } },
  });
  // They take turns, and the last turn has what is left.
  expect(again.said).toEqual(['pytorch 10', 'luthier 10', 'luthier 12', 'pytorch 12']);
  for (const side of CONTENDERS) {
    const losses = rounds.flatMap((round) => round[side]!.losses!);
    expect(losses).toEqual(Array.from({ length: 12 }, (_, i) => 1 / (i + 1)));
  }
  const described = { name: 'decoder-epoch', what: 'an epoch', target: 1, command: 'c', versions: {}, rates: {} };
  const heldOut = { luthier: Math.log(8), pytorch: Math.log(9) };
  const result = resultOf('pytorch', {
    ...{ ...described, rounds, figure: 'total', whole: true, heldOut, operations: null },
  });
  expect(result).toMatchObject({ ms: 120, peer_ms: 120, ratio: 1, loss_difference: 0, losses_compared: 12 });
  const table = epochTable(result, rounds);
  expect(table).toContain('| loss of step 12 | 0.0833333 | 0.0833333 |');
  expect(table).toContain('| perplexity on the dialogues held out | 8.0000 | 9.0000 |');
});

it('takes so many turns where it is told to, and says where what was kept is gone', async () => {
  const rounds: Round[] = [];
  const { of } = learners();
  const options = { contenders: CONTENDERS, rounds, folder, onTurn: () => {} };
  expect(await trainEpoch({ ...options, of, most: 1 })).toMatchObject({ steps: 5, total: 12 });
  rmSync(folder, { recursive: true });
  await expect(trainEpoch({ ...options, of: learners().of, most: null })).rejects.toThrow('luthier-1 is gone.');
  expect(existsSync(path.join(folder, 'pytorch-1'))).toBe(false);
});
