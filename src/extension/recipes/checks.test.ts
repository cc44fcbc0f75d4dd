import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RecipeProblem } from '../../protocol/index.ts';
import { Cancelled } from '../errors.ts';
import { silentLog } from '../log.ts';
import { type Checked, RecipeChecks } from './checks.ts';

const problem = (message: string): RecipeProblem => ({
  severity: 'error',
  code: 'data',
  message,
  start: 0,
  end: 1,
  fixes: [],
  choices: [],
});
const recipe = (version: number, text = `text ${version}`) => ({ path: '/w/a.recipe.json', text, version });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Asked {
  text: string;
  base: string;
  signal: AbortSignal;
  answer(problems: RecipeProblem[] | null): void;
}

/** Checks whose engine answers when the test says so. */
function makeChecks() {
  const asked: Asked[] = [];
  const shown: Checked[] = [];
  const checks = new RecipeChecks({
    byEngine: (text, base, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Cancelled()));
        asked.push({ text, base, signal, answer: resolve });
      }),
    byText: async (text) => [problem(`words of ${text}`)],
    log: silentLog,
    pauseMs: 300,
  });
  return { checks, asked, shown, done: (checked: Checked) => void shown.push(checked) };
}

test('a text is checked once, after a pause, however many keys were pressed', async () => {
  const { checks, asked, shown, done } = makeChecks();
  for (let version = 1; version <= 10; version++) {
    checks.schedule(recipe(version), done);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(300);
  expect(asked.map(({ text, base }) => [text, base])).toEqual([['text 10', '/w']]);
  asked[0]!.answer([problem('wrong')]);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown).toEqual([{ version: 10, problems: [problem('wrong')] }]);
  expect(checks.known('/w/a.recipe.json', 10)).toEqual([problem('wrong')]);
  expect(checks.known('/w/a.recipe.json', 11)).toEqual([]);
});

test('a check that a newer text overtakes is called off, and its answer is shown to nobody', async () => {
  const { checks, asked, shown, done } = makeChecks();
  checks.schedule(recipe(1), done);
  await vi.advanceTimersByTimeAsync(300);
  checks.schedule(recipe(2), done);
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(300);
  asked[1]!.answer([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown).toEqual([{ version: 2, problems: [] }]);
});

test('where the engine must not start, or fails, the words are checked without it', async () => {
  const { checks, asked } = makeChecks();
  const first = checks.now(recipe(1));
  asked[0]!.answer(null);
  expect(await first).toEqual({ version: 1, problems: [problem('words of text 1')] });
  const failing = new RecipeChecks({
    byEngine: async () => {
      throw new Error('no engine');
    },
    byText: async () => [],
    log: silentLog,
  });
  expect(await failing.now(recipe(1))).toEqual({ version: 1, problems: [] });
});

test('a recipe that is closed is checked no more', async () => {
  const { checks, asked, shown, done } = makeChecks();
  checks.schedule(recipe(1), done);
  checks.forget('/w/a.recipe.json');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual([]);
  checks.schedule(recipe(2), done);
  await vi.advanceTimersByTimeAsync(300);
  checks.dispose();
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(shown).toEqual([]);
});
