import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from './main.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const home = process.cwd();

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-wrong-use-'));
  for (const name of ['reviews.csv', 'reviews.recipe.json', 'feedback.jsonl', 'try.txt'])
    await copyFile(join(EXAMPLES, name), join(place, name));
  await mkdir(join(place, 'folder'));
  await mkdir(join(place, 'nested'));
  for (const name of ['reviews.csv', 'reviews.recipe.json'])
    await copyFile(join(EXAMPLES, name), join(place, 'nested', name));
  await writeFile(join(place, 'nested/.luthier'), 'a file');
  await writeFile(join(place, 'comma.recipe.json'), '{"model": "starters/bert", "dataset": "reviews.csv",}');
  await writeFile(join(place, 'letter.prompty'), '---\nmodel: starters/decodr\n---\nuser:\nHello\n');
  await writeFile(join(place, 'tools.json'), '[]');
  await mkdir(join(place, '.luthier/datasets/letters'), { recursive: true });
  await writeFile(join(place, '.luthier/datasets/letters/dataset.json'), '{"format": 1}');
  process.chdir(place);
});
afterAll(async () => {
  process.chdir(home);
  await rm(place, { recursive: true });
});

async function said(args: readonly string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const writes = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    }),
  );
  try {
    return { code: await main([...args]), text };
  } finally {
    for (const write of writes) write.mockRestore();
  }
}

const TRAIN = ['train', 'reviews.recipe.json'];
const COLLECT = ['data', 'collect', '.'];

// What a newcomer mistypes: what happened, where, and what to do.
it.each<[command: string[], code: number, message: RegExp]>([
  [
    ['train', 'reviws.recipe.json'],
    2,
    /reviws\.recipe\.json does not exist; did you mean “reviews\.recipe\.json”\?\nName/,
  ],
  [['train', 'folder'], 2, /folder is a folder\.\nName a recipe file/],
  [['train', 'reviews.csv'], 2, /reviews\.csv is a data file; (npx )?luthier train takes a recipe\.\n/],
  [['train', 'comma.recipe.json'], 2, /comma\.recipe\.json:1:\d+ is not valid JSON/],
  [[...TRAIN, '--set', 'dataset=reviws.csv'], 1, /no dataset called “reviws\.csv”; did you mean “reviews\.csv”\?/],
  [[...TRAIN, '--set', 'strategy.type=lorra'], 2, /Did you mean "lora"\?/],
  [
    [...TRAIN, '--set', 'strategy=lorra'],
    2,
    /must be an object, such as \{"type": "lora"\}\.\nOn the command line: --set strategy\.type=lora/,
  ],
  [[...TRAIN, '--set', 'learning_rate'], 2, /--set learning_rate has no value\.\n/],
  [
    [...TRAIN, '--out', 'reviews.csv'],
    1,
    /reviews\.csv cannot be written: a file has this name \(EEXIST\)\.\nUse --out DIR/,
  ],
  [
    [...TRAIN, '--out', 'reviews.csv/run'],
    1,
    /run cannot be written: a part of its path is a file \(ENOTDIR\)\.\nUse --out/,
  ],
  [[...TRAIN, '--out', '.'], 2, /is not empty\.\nUse --out/],
  [
    ['train', 'nested/reviews.recipe.json'],
    1,
    /\.luthier\/runs cannot be written: a part of its path is a file \(ENOTDIR\)\.\n/,
  ],
  [['compare-models', 'reviews.csv', '--models', 'starters/bert,starters/brt'], 1, /Did you mean “starters\/bert”\?/],
  [['compare-models', 'reviews.csv', '--models', ','], 2, /--models names nothing\.\nName some/],
  [
    ['compare-models', 'reviws.csv'],
    1,
    /There is no file .*; did you mean “reviews\.csv”\?\n.*datasets here are letters/,
  ],
  [['compare-ways', 'reviews.csv', '--model', 'starters/brt'], 1, /Did you mean “starters\/bert”\?/],
  [['compare-ways', 'leters', '--model', 'starters/bert'], 1, /no dataset called “leters”; did you mean “letters”\?/],
  [['predict', 'starters/bert', '--file', 'ty.txt'], 1, /ty\.txt; did you mean “try\.txt”\?/],
  [['predict', 'starters/bert', '--file', 'folder'], 1, /folder is a folder, not a file\.\nName one of the files/],
  [['predict', 'starters/brt', '--text', 'a'], 1, /Did you mean “starters\/bert”\?/],
  [['evaluate', 'starters/brt', '--data', 'reviews.csv'], 1, /Did you mean “starters\/bert”\?/],
  [['generate', 'starters/decodr', '--text', 'a'], 1, /Did you mean “starters\/decoder”\?/],
  [['generate', 'starters/decoder', '--file', 'feedbak.jsonl'], 1, /did you mean “feedback\.jsonl”\?/],
  [['chat', 'starters/decodr'], 1, /Did you mean “starters\/decoder”\?/],
  [
    ['chat', 'starters/decoder', '--tools', 'tool.json'],
    2,
    /tool\.json does not exist; did you mean “tools\.json”\?\nCheck the path of --tools/,
  ],
  [['complete', 'starters/decoder', '--file', 'tri.txt'], 2, /tri\.txt does not exist; did you mean “try\.txt”\?\n/],
  [
    ['complete', 'starters/decoder', '--file', 'try.txt', '--max-tokens', 'x'],
    2,
    /--max-tokens must be a whole number from 1 to 1000\.\n/,
  ],
  [['complete', 'starters/decoder', '--file', 'try.txt', '--budget-ms', ''], 2, /--budget-ms must be a whole number/],
  [
    ['evaluate', 'starters/bert', '--data', 'reviws.csv'],
    1,
    /did you mean “reviews\.csv”\?\n.*relative to the current folder/,
  ],
  [
    ['prompt', 'render', 'reviews.csv'],
    2,
    /reviews\.csv is a data file, not a prompt template\.\nName a \.prompty file; --data reviews\.csv/,
  ],
  [['prompt', 'run', 'leter.prompty'], 2, /leter\.prompty does not exist; did you mean “letter\.prompty”\?\n/],
  [
    ['prompt', 'run', 'letter.prompty'],
    1,
    /names the model “starters\/decodr”, which is not on this machine; did you mean “starters\/decoder”\?\n/,
  ],
  [['prompt', 'render', 'letter.prompty', '--data', 'reviws.csv'], 1, /did you mean “reviews\.csv”\?/],
  [['data', 'inspect', 'reviws.csv'], 1, /did you mean “reviews\.csv”\?/],
  [['data', 'inspect', 'reviews.csv', '--label-separator', ''], 2, /--label-separator is empty\.\nPass/],
  [['data', 'inspect', 'reviews.csv', '--label-column', 'lable'], 1, /has no column “lable”/],
  [['data', 'collect', 'foldr'], 1, /There is no folder .*foldr; did you mean “folder”\?\n/],
  [[...COLLECT, '--model', 'starters/decodr'], 1, /Did you mean “starters\/decoder”\?/],
  [
    ['data', 'inspect', 'try.txt', '--task', 'text-generation', '--model', 'starters/decodr'],
    1,
    /Did you mean “starters\/decoder”\?/,
  ],
  [[...COLLECT, '--language', 'pyton'], 2, /There is no language “pyton”; did you mean “python”\?/],
  [
    [...COLLECT, '--completions', 'tri.txt'],
    1,
    /There is no file .*tri\.txt of completions to learn from; did you mean “try\.txt”\?\n/,
  ],
  [
    ['export', 'starters/bert', '--out', 'reviews.csv'],
    1,
    /reviews\.csv cannot be written: a file has this name \(EEXIST\)\.\n/,
  ],
  [
    ['export', 'starters/bert', '--out', 'reviews.csv/model'],
    1,
    /cannot be written: a part of its path is a file \(ENOTDIR\)\.\n/,
  ],
  [['export', 'starters/brt'], 1, /Did you mean “starters\/bert”\?/],
  [['runs', 'show', 'nope'], 1, /No run nope found in .*\.\nNo runs here yet\. Start one/],
  [
    ['models', 'download', 'starters/bert'],
    2,
    /starters\/bert names a starter, which comes with Luthier, and nothing is downloaded\.\n/,
  ],
  [['models', 'download', 'no name'], 2, /is not a model name on the Hugging Face hub\.\n/],
  [['models', 'lst'], 2, /Did you mean list\?/],
])('luthier %j ends with %i', async (command, code, message) => {
  const { code: given, text } = await said(command);
  expect(text).toMatch(message);
  expect(text).not.toMatch(/bug in Luthier|\n\s+at |undefined|\[object/);
  expect(given).toBe(code);
});

it('nothing of it made a run', async () => {
  expect(await readdir(join(place, '.luthier'))).toEqual(['datasets']);
});
