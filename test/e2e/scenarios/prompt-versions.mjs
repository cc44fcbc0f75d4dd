import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { whyAbsent } from '../server.mjs';
import { pressLens } from './prompts.mjs';

const run = promisify(execFile);

/** @param {string} system */
const template = (system) => `---
name: Reply
model:
  options:
    maxOutputTokens: 8
inputs:
  - name: ticket
    kind: string
sample:
  ticket: Where is my parcel?
---
system:
${system}
user:
{{ticket}}
`;

const OURS = `---
description: Answers a customer
sample:
  ticket: Where is my parcel?
---
user:
{{ticket}}
`;

/** A prompt file as VS Code itself has them: nothing of it is a template. */
const THEIRS = `---
description: Reviews what has changed
agent: ask
---
Review the changes in \${file} and name {{ what }} could break.
`;

/**
 * A repository with two versions of a template, and with a prompt file of each kind.
 * @param {string} folder
 */
async function makeRepository(folder) {
  await mkdir(folder, { recursive: true });
  const git = (/** @type {string[]} */ ...args) =>
    run('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], { cwd: folder });
  await git('init', '--quiet', '--initial-branch=main');
  for (const [message, system] of [
    ['Answers in one sentence', 'Answer the customer in one sentence.'],
    ['Answers with a list of steps', 'List the steps that the customer should take, with numbers.'],
  ]) {
    await writeFile(path.join(folder, 'reply.prompty'), template(system));
    await git('add', '.');
    await git('commit', '--quiet', '--no-gpg-sign', '-m', message);
  }
  await writeFile(path.join(folder, 'ours.prompt.md'), OURS);
  await writeFile(path.join(folder, 'theirs.prompt.md'), THEIRS);
}

/**
 * Chooses in the question of what is compared.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {import('playwright-core').Frame} frame
 * @param {string} label
 */
async function add(window, frame, label) {
  await frame.locator('vscode-button').filter({ hasText: 'Add…' }).click();
  await window.question('What should be compared?');
  await window.answer(label);
}

/**
 * Answers are there in all columns, each with its end.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {import('playwright-core').Frame} frame
 * @param {number} count
 */
async function answers(window, frame, count) {
  return await window.until(`${count} answers`, async () => {
    const articles = frame.locator('article.answer');
    const ends = await frame.locator('article.answer .under').allInnerTexts();
    const all = ends.length === count && ends.every((/** @type {string} */ end) => /\d (ms|s)/.test(end));
    return all && (await articles.locator('.text').allInnerTexts());
  });
}

/**
 * Plays in a window of its own, with git and a repository.
 * @param {import('../stage.mjs').Stage} stage
 * @param {(window: import('../window.mjs').VSCodeWindow) => Promise<void>} work
 */
async function inRepository(stage, work) {
  const folder = path.join(stage.folder, 'Vorlagen mit Geschichte');
  await makeRepository(folder);
  const settings = { 'git.enabled': true, 'git.openRepositoryInParentFolders': 'never' };
  const server = await stage.serve('versions', { settings: { ...settings, 'chat.disableAIFeatures': false } });
  const window = await stage.openWindow(server, folder);
  stage.shown = window;
  await work(window);
  stage.shown = stage.window;
  await window.page.context().close();
  await server.stop();
}

/** @type {import('../stage.mjs').Scenario[]} */
export const promptVersions = [
  {
    name: 'Versions of a template from git are compared side by side; a vote outlives the page, and is cleared',
    skip: whyAbsent,
    play: (stage) => inRepository(stage, versions),
  },
  {
    name: 'A language model of VS Code’s is compared; a prompt file of VS Code’s own is no template, one with a sample is',
    skip: whyAbsent,
    play: (stage) =>
      inRepository(stage, async (window) => {
        await languageModel(window);
        await promptFiles(window);
      }),
  },
];

/** @param {import('../window.mjs').VSCodeWindow} window */
async function versions(window) {
  await window.openFile('reply.prompty');
  const frame = await pressLens(window, 'Compare');
  // The git extension looks for repositories when there is nothing else to do.
  await window.until('the first version to be offered', async () => {
    await frame.locator('vscode-button').filter({ hasText: 'Add…' }).click();
    await window.question('What should be compared?');
    const row = window.rows().filter({ hasText: 'Answers in one sentence' });
    const isThere = await row
      .first()
      .waitFor({ timeout: 10_000 })
      .then(
        () => true,
        () => false,
      );
    if (isThere) await window.answer('Answers in one sentence');
    else await window.page.keyboard.press('Escape');
    return isThere;
  });
  await window.until('both versions', async () => {
    const names = await frame.locator('.columns li').allInnerTexts();
    return names.length === 2 && /reply\.prompty as of .* \([0-9a-f]{7}\)/.test(names[1] ?? '');
  });
  await frame.locator('.run').click();
  const [now, before] = await answers(window, frame, 2);
  assert.notEqual(now, before);
  assert.ok((await frame.locator('article.answer mark').count()) > 0, 'what differs is marked');
  await frame.getByRole('radio', { name: /as of/ }).check();
  await window.until('the vote', async () => /as of .*1\s+100 %/s.test(await frame.locator('table.votes').innerText()));

  // It outlives the page; once the template is another, it is not counted, and told.
  await window.closeEditors();
  await window.openFile('reply.prompty');
  const again = await pressLens(window, 'Compare');
  await window.until('the vote of the page before', async () =>
    /as of .*1\s+100 %/s.test(await again.locator('table.votes').innerText()),
  );
  await window.page.locator('.editor-instance .monaco-editor').first().click();
  await window.page.keyboard.press('Control+End');
  await window.page.keyboard.type('please');
  await window.until('the vote not to be counted', async () =>
    (await again.locator('section').nth(1).innerText()).includes('1 earlier vote is not counted'),
  );
  await again.getByRole('button', { name: 'Clear Votes…' }).click();
  await window.dialog(/Clear 1 vote on reply\.prompty\?/);
  await window.answerDialog('Clear Votes');
  await window.until('no vote any more', async () =>
    (await again.locator('section').nth(1).innerText()).includes('Choose the better answer'),
  );
}

/** @param {import('../window.mjs').VSCodeWindow} window */
async function languageModel(window) {
  await window.openFile('reply.prompty');
  const frame = await pressLens(window, 'Compare');
  await add(window, frame, 'Echo');
  await window.until('the model of VS Code’s', async () =>
    (await frame.locator('.columns li').allInnerTexts()).some((/** @type {string} */ name) => name.includes('Echo')),
  );
  await window.until('what would be sent', async () =>
    /1 call with about \d+ tokens goes to Echo through VS Code/.test(await frame.locator('.run-line').innerText()),
  );
  await frame.locator('.run').click();
  await window.dialog(/Send 1 prompt to Echo through VS Code\?/);
  // VS Code itself asks for providers that want an authorization, which this one does not.
  await window.answerDialog('Send');
  const texts = await answers(window, frame, 2);
  assert.match(texts[1] ?? '', /^You said: Where is my parcel\?/);
}

/** @param {import('../window.mjs').VSCodeWindow} window */
async function promptFiles(window) {
  await window.closeEditors();
  const lenses = window.page.locator('.codelens-decoration a');
  await window.openFile('ours.prompt.md');
  await lenses.filter({ hasText: 'Try' }).first().waitFor();
  await window.command('Luthier: Try Prompt Template');
  await window.webview('luthier-prompt');
  await window.closeEditors();

  await window.openFile('theirs.prompt.md');
  // Once ours would have spoken: the palette is asked after the file was looked at.
  await window.page.keyboard.press('F1');
  const { page } = window;
  const palette = page.locator('.quick-input-widget:not([style*="display: none"]) input').first();
  await palette.fill('>Prompt Template');
  await window.rows().filter({ hasText: 'Luthier: New Prompt Template…' }).first().waitFor();
  const offered = await window.rows().allInnerTexts();
  for (const ours of ['Try Prompt Template', 'Compare Prompt Template', 'in Training', 'Choose Model for Prompt'])
    assert.ok(!offered.some((row) => row.includes(ours)), `the palette offers ${ours}`);
  await page.keyboard.press('Escape');
  assert.equal(await lenses.filter({ hasText: /Try|Compare|Use in Training/ }).count(), 0);
}
