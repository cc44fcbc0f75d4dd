import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quickFix } from './recipes.mjs';

/** @type {import('../stage.mjs').Scenario[]} */
export const promptLanguage = [
  {
    name: 'A template from a snippet: a name that is mistyped is underlined while typing, and a quick fix mends it',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const file = path.join(workspace, 'mine.prompty');
      await writeFile(file, '');
      try {
        await window.openFile('mine.prompty');
        await page.locator('.editor-instance .monaco-editor').first().click();
        await page.keyboard.type('summar', { delay: 30 });
        const suggestion = page
          .locator('.suggest-widget.visible .monaco-list-row')
          .filter({ hasText: 'summarisation' });
        await window.until('the snippet to be offered', async () => {
          await page.keyboard.press('Control+Space');
          await suggestion.first().waitFor({ timeout: 5000 });
          return true;
        });
        await suggestion.first().click();
        // The first tab stop is the template's name.
        await page.keyboard.type('Shorter');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Control+End');
        await page.keyboard.type('Title: {{ txet }}', { delay: 30 });
        await page.keyboard.press('Escape');
        const warnings = page.locator('.editor-instance .squiggly-warning');
        await window.until('the name that nothing gives to be underlined', async () => (await warnings.count()) === 1);
        await quickFix(window, 'txet', 'Change to text');
        await window.until('no problem any more', async () => (await warnings.count()) === 0);
        // A redrawn editor has no underlines for a moment, before the fix is made, too: saved until it is in the file.
        const text = await window.until('the mended file to be saved', async () => {
          await page.keyboard.press('Control+S');
          const saved = await readFile(file, 'utf8');
          return saved.includes('Title: {{ text }}') && saved;
        });
        assert.match(text, /^---\nname: Shorter\n/);
        assert.match(text, /\nuser:\n\{\{ text \}\}\nTitle: \{\{ text \}\}/);
      } finally {
        await rm(file, { force: true });
      }
    },
  },
  {
    name: 'New Prompt Template… writes a template with a dataset’s column and labels, and opens it',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const file = path.join(workspace, 'judge.prompty');
      try {
        await window.command('Luthier: New Prompt Template…');
        await window.question('What should the prompt do?');
        await window.answer('Classify a text');
        await window.question('Which rows should fill it?');
        await window.answer('rows.csv');
        await window.chooseFile(file);
        await page.locator('.tab.active').filter({ hasText: 'judge.prompty' }).waitFor();
        const text = await readFile(file, 'utf8');
        assert.match(text, /\n {2}dataset: rows\.csv\n/);
        assert.match(text, /\n- good\n- bad\n|\n- bad\n- good\n/);
        assert.match(text, /Text: \{\{ text \}\}/);
        const problems = page.locator('.editor-instance').locator('.squiggly-error, .squiggly-warning, .squiggly-info');
        // The outline is there once the text has been looked at.
        await page.locator('.breadcrumbs-control').filter({ hasText: 'judge.prompty' }).waitFor();
        assert.equal(await problems.count(), 0);
      } finally {
        await rm(file, { force: true });
      }
    },
  },
];
