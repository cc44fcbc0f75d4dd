import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inspectData } from '../src/engine/data/inspect.ts';
import { loadRecipe } from '../src/engine/recipes/recipe.ts';
import { allTasks } from '../src/engine/tasks/registry.ts';

const file = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

describe('the example data sets are what examples/README.md says', () => {
  it('tickets', async () => {
    const { rows, guess, classes, problems } = await inspectData({ file: file('tickets.csv') });
    expect({ rows, guess }).toEqual({ rows: 691, guess: { text: 'text', label: 'intent' } });
    expect(classes.length).toBe(8);
    expect([classes.at(-1)!.count, classes[0]!.count]).toEqual([52, 119]);
    expect(problems.map((p) => [p.severity, p.count])).toEqual([
      ['warning', 3],
      ['info', 7],
    ]);
  });

  it('reviews', async () => {
    const { rows, guess, classes, problems } = await inspectData({ file: file('reviews.csv') });
    expect({ rows, guess }).toEqual({ rows: 493, guess: { text: 'review', label: 'sentiment' } });
    expect(classes).toEqual([
      { label: 'positive', count: 264 },
      { label: 'negative', count: 229 },
    ]);
    expect(problems.map((p) => [p.severity, p.count])).toEqual([
      ['warning', 2],
      ['info', 3],
    ]);
  });

  it.each([
    ['tickets', 'csv', 'bert', 'text-classification'],
    ['reviews', 'csv', 'bert', 'text-classification'],
    ['names', 'conll', 'bert', 'token-classification'],
    ['support', 'jsonl', 'decoder', 'conversational'],
    ['commits', 'jsonl', 'decoder', 'text-generation'],
  ])('%s.recipe.json is a recipe', async (name, extension, starter, task) => {
    const { recipe } = await loadRecipe(file(`${name}.recipe.json`));
    expect(recipe).toMatchObject({ task, model: `starters/${starter}`, dataset: file(`${name}.${extension}`) });
  });

  it.each([
    ['support', 224, { messages: 'messages' }, [/lines 30, 61, 86 and 217/, /line 119 repeats line 34/]],
    ['commits', 210, { prompt: 'prompt', completion: 'completion' }, [/line 89 repeats line 47/]],
  ])('%s.jsonl is read as its task, with its flaws', async (name, count, columns, flaws) => {
    const { rows, guess, problems } = await inspectData({ file: file(`${name}.jsonl`) }, allTasks);
    expect({ rows, guess }).toMatchObject({ rows: count, guess: columns });
    expect(problems.map(({ message }) => message)).toEqual(flaws.map((flaw) => expect.stringMatching(flaw)));
    expect(new Set(problems.map(({ severity }) => severity))).toEqual(new Set(['info']));
  });

  /** Numbers, from 1, of the rows that repeat an earlier one. */
  const repeated = (rows: readonly unknown[]) => {
    const texts = rows.map((row) => JSON.stringify(row));
    return texts.flatMap((text, i) => (texts.indexOf(text) < i ? [i + 1] : []));
  };
  const linesOf = <T>(name: string) =>
    readFileSync(file(name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as T);

  it('support', () => {
    const dialogues = linesOf<{ messages: { role: string; content: string }[] }>('support.jsonl');
    const roles = dialogues.map(({ messages }) => messages.map(({ role }) => role[0]).join(''));
    expect(dialogues.length).toBe(224);
    expect(repeated(dialogues)).toEqual([119]);
    for (const turns of roles) expect(turns).toMatch(/^s?(ua)+u?$/);
    expect(roles.flatMap((turns, i) => (turns.endsWith('u') ? [i + 1] : []))).toEqual([30, 61, 86, 217]);
    expect(roles.filter((turns) => turns.startsWith('s')).length).toBe(5);
    for (const { messages } of dialogues)
      for (const { content } of messages) expect(content.trim() || 'empty').toBe(content);
  });

  it('commits', () => {
    const commits = linesOf<{ prompt: string; completion: string }>('commits.jsonl');
    expect(commits.length).toBe(210);
    expect(repeated(commits)).toEqual([89]);
    expect(commits.flatMap(({ completion }, i) => (completion.indexOf('\n') > 72 ? [i + 1] : []))).toEqual([]);
    for (const { prompt } of commits) {
      expect(prompt).toMatch(/^--- (a\/\S+|\/dev\/null)\n\+\+\+ (b\/\S+|\/dev\/null)\n@@ /);
      // Each hunk has as many lines as its head says.
      for (const [, before, after, body] of prompt.matchAll(
        /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@\n((?:(?!---|@@).*\n)*)/gm,
      )) {
        const lines = body!.trimEnd().split('\n');
        expect(lines.filter((line) => line[0] !== '+').length, prompt).toBe(Number(before ?? 1));
        expect(lines.filter((line) => line[0] !== '-').length, prompt).toBe(Number(after ?? 1));
      }
    }
  });
});
