import { expect, test } from 'vitest';
import type { TextDocument } from 'vscode';
import type { Luthier } from '../context.ts';
import { Emitter } from '../events.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { Uri } from '../testing/vscode.ts';
import { RecipeLens } from './code-lens.ts';

test('lenses are asked for anew when a recipe has another last run, and not with each change of it', () => {
  const changed = new Emitter<readonly Run[]>();
  const runs: Run[] = [];
  const lens = new RecipeLens({ runs: { changed, all: () => runs } } as unknown as Luthier);
  let asked = 0;
  lens.onDidChangeCodeLenses(() => asked++);
  const add = (id: string) => {
    const run = { folder: `/runs/${id}`, record: recordOf({ id, recipe_path: '/a.recipe.json' }) } as Run;
    runs.unshift(run);
    changed.fire([run]);
    return run;
  };
  const first = add('first');
  expect(asked).toBe(1);
  for (let step = 1; step <= 50; step++) {
    first.record = { ...first.record, step };
    changed.fire([first]);
  }
  expect(asked).toBe(1);
  add('second');
  expect(asked).toBe(2);
  runs.shift();
  changed.fire([first]);
  expect(asked).toBe(3);
  lens.dispose();
});

test('a recipe is trained or cross-validated from above its first line', () => {
  const lens = new RecipeLens({ runs: { changed: new Emitter(), all: () => [] } } as unknown as Luthier);
  const uri = Uri.file('/a.recipe.json');
  const above = (text: string) =>
    lens.provideCodeLenses({ uri, getText: () => text } as unknown as TextDocument).map(({ command }) => command);
  expect(above('{"model": "m"}')).toMatchObject([
    { title: '$(play) Train', command: 'luthier.startRun', arguments: [uri] },
    { title: '$(layers) Cross-validate…', command: 'luthier.crossValidate', arguments: [uri] },
  ]);
  expect(above('{"search": {"method": "grid"')).toMatchObject([
    { title: '$(search) Search', command: 'luthier.startRun', arguments: [uri] },
  ]);
  lens.dispose();
});
