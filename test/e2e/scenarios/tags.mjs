import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runsOf } from '../workplace.mjs';

/** Sixty sentences of words that the tests' model knows, two of them tagged. */
const SENTENCES = Array.from({ length: 60 }, (_, i) => {
  const tagged = i % 2 === 0 ? ['parcel O', 'lovely B-GOOD', 'great I-GOOD'] : ['late B-BAD', 'the O', 'shop O'];
  return ['the O', ...tagged, `${i} O`].join('\n');
}).join('\n\n');

/** @type {import('../stage.mjs').Scenario[]} */
export const tags = [
  {
    name: 'Fine-tune on a CoNLL file: its task is recognised, the dataset shows its tags, Try Model marks entities',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      await writeFile(path.join(workspace, 'opinions.conll'), `${SENTENCES}\n`);
      await window.openSideBar();
      const line = window.tree('Datasets').filter({ hasText: 'opinions.conll' });
      await line.first().waitFor();
      await window.openFile('opinions.conll');
      await window.command('Luthier: Fine-tune on Selection');
      await window.question('60 sentences: which column has the words, and which has the tags?');
      const offered = (await window.rows().allTextContents()).join('\n');
      assert.match(offered, /Learn “tags” from “tokens”/);
      assert.match(offered, /Token classification/);
      await window.answer();
      await window.question('Which base model');
      await window.answer('tiny');
      await window.question('Which parameters should be trained?');
      await window.answer();
      await window.question('Press Enter to start');
      const summary = (await window.rows().allTextContents()).join('\n');
      assert.match(summary, /5\d training sentences/);
      assert.match(summary, /4 tags/);
      await window.answer('Start fine-tuning');
      await dashboard.frame();
      await dashboard.untilState('Done');
      const [run] = await runsOf(workspace);
      assert.deepEqual(run.record.labels, ['O', 'B-BAD', 'B-GOOD', 'I-GOOD']);
      const recipe = JSON.parse(await readFile(path.join(workspace, 'opinions.recipe.json'), 'utf8'));
      assert.equal(recipe.task, 'token-classification');

      await dashboard.press('Try Model');
      const frame = await window.webview('luthier-tryout');
      await frame.locator('vscode-textarea textarea').fill('the parcel lovely great');
      const text = await window.until('an answer', async () => {
        const shown = frame.locator('.result');
        return (await shown.count()) > 0 && (await shown.first().innerText());
      });
      assert.match(text, /the parcel lovely/);
      assert.match(text, /No entities found|GOOD|BAD/);
      assert.equal(await frame.locator('.result .correct').count(), 0, 'no label to correct');
    },
  },
];
