import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { luthier, runsOf } from '../workplace.mjs';

/** @param {number} tokens */
const template = (tokens) => `---
name: Reply
description: Answers a customer
model:
  options:
    maxOutputTokens: ${tokens}
inputs:
  - name: ticket
    kind: string
sample:
  ticket: Where is my parcel?
---
system:
Answer the customer in one sentence.
user:
{{ticket}}
`;

/** Dialogues enough for a step or two. */
const dialogues = Array.from({ length: 12 }, (_, i) =>
  JSON.stringify({
    messages: [
      { role: 'user', content: `Where is parcel ${i}?` },
      { role: 'assistant', content: `Parcel ${i} is on its way.` },
    ],
  }),
);

/** A completion that takes in a file: what the run keeps is its text. */
const completion = `---
model: { api: completion, parameters: { max_tokens: 8 } }
inputs:
  ticket: { type: string }
sample: { ticket: Where is my parcel? }
luthier: { dataset: tickets.csv }
---
\${file:manner.txt}
Ticket: {{ ticket }}
Answer:`;
const tickets = ['ticket,answer', ...Array.from({ length: 12 }, (_, i) => `Where is parcel ${i}?,It is on its way.`)];

/**
 * Presses one of the lenses above the template.
 * @param {import('../window.mjs').VSCodeWindow} window
 * @param {string} title
 */
export async function pressLens(window, title) {
  const lens = window.page.locator('.codelens-decoration a').filter({ hasText: title }).first();
  await lens.waitFor();
  await window.until(`the page of “${title}”`, async () => {
    await lens.click({ timeout: 5000 });
    return await window.webview('luthier-prompt', { patience: 10_000 });
  });
  return await window.webview('luthier-prompt');
}

/** @type {import('../stage.mjs').Scenario[]} */
export const prompts = [
  {
    name: 'A template is tried beside its file: rendered while it is typed, answered word by word, stopped, kept as an example',
    async play(stage) {
      const { window, workspace } = stage;
      const { page } = window;
      const file = path.join(workspace, 'reply.prompty');
      const examples = path.join(workspace, 'reply.examples.jsonl');
      await writeFile(file, template(2000));
      try {
        await window.openFile('reply.prompty');
        const frame = await pressLens(window, 'Try');
        const answer = frame.locator('article.answer');
        await window.until('the starter to be offered', async () =>
          (await frame.locator('header').innerText()).includes('starters/decoder'),
        );
        assert.match(await frame.locator('.offered').innerText(), /names no model/);
        await window.until('the sample in the prompt', async () =>
          (await frame.locator('.messages').innerText()).includes('Where is my parcel?'),
        );
        await frame.locator('.inputs textarea').fill('Is it late?');
        await window.until('what was typed in the prompt', async () =>
          (await frame.locator('.messages').innerText()).includes('Is it late?'),
        );

        await frame.locator('.run').click();
        await window.until('the beginning of an answer', async () => {
          const busy = await answer.getAttribute('aria-busy');
          return busy === 'true' && (await answer.locator('.text').innerText()).trim() !== '';
        });
        await frame.locator('vscode-button').filter({ hasText: 'Stop' }).click();
        await window.until('it to have stopped', async () => (await answer.innerText()).includes('Stopped'));

        // What is changed in the file counts at once.
        await page.locator('.editor-instance .monaco-editor').first().click();
        await writeFile(file, template(8).replace('one sentence', 'three words'));
        await window.until('the changed template in the prompt', async () =>
          (await frame.locator('.messages').innerText()).includes('three words'),
        );
        await frame.locator('.run').click();
        await window.until('a whole answer', async () => /\d tokens?/.test(await answer.locator('.under').innerText()));
        await frame.locator('vscode-button').filter({ hasText: 'Keep as Example' }).click();
        await window.until('the page to say where', async () =>
          (await frame.locator('.kept').innerText()).includes('reply.examples.jsonl, line 1'),
        );
        const kept = JSON.parse(await readFile(examples, 'utf8'));
        assert.deepEqual(kept.inputs, { ticket: 'Is it late?' });
        assert.equal(kept.answer, (await answer.locator('.text').innerText()).replace(/\u200b/g, ''));
        await frame.locator('.kept button').filter({ hasText: 'Undo' }).click();
        await window.until('it to be out again', async () => (await readFile(examples, 'utf8')) === '');
      } finally {
        await rm(file, { force: true });
        await rm(examples, { force: true });
      }
    },
  },
  {
    name: 'Base and tuned model answer the same row side by side, and a vote is counted',
    async play(stage) {
      const { window, workspace } = stage;
      const file = path.join(workspace, 'reply.prompty');
      const [data, recipe] = ['chats.jsonl', 'chats.recipe.json'].map((name) => path.join(workspace, name));
      await writeFile(file, template(8));
      await writeFile(data, `${dialogues.join('\n')}\n`);
      const short = { num_train_epochs: 1, per_device_train_batch_size: 4, max_length: 64 };
      const trained = { task: 'conversational', model: 'starters/decoder', dataset: 'chats.jsonl', ...short };
      await writeFile(recipe, JSON.stringify(trained));
      try {
        await luthier(workspace, 'train', 'chats.recipe.json', '--name', 'chats', '--json');
        await window.openFile('reply.prompty');
        await window.page.locator('.codelens-decoration a').filter({ hasText: 'chats (offered)' }).first().waitFor();
        const frame = await pressLens(window, 'Compare');
        await window.until('base and tuned model', async () => {
          const names = await frame.locator('.columns li').allInnerTexts();
          return names.length === 2 && /starters\/decoder base model/.test(names[0]) && /chats/.test(names[1]);
        });
        await frame.locator('.run').click();
        await window.until('both answers', async () => {
          const ends = await frame.locator('article.answer .under').allInnerTexts();
          return ends.length === 2 && ends.every((/** @type {string} */ end) => /\d tokens?/.test(end));
        });
        await frame.getByRole('radio', { name: 'chats' }).focus();
        await window.page.keyboard.press('Space');
        await window.until('the vote', async () =>
          /chats\s+1\s+100 %\s+21 – 100 %/.test(await frame.locator('table.votes').innerText()),
        );
        assert.match(await frame.locator('section').nth(1).innerText(), /1 row decided/);
      } finally {
        for (const made of [file, data, recipe]) await rm(made, { force: true });
      }
    },
  },
  {
    name: 'Use in Training: a template becomes a recipe’s, and the run’s try-out reads the very prompt that Try rendered',
    async play(stage) {
      const { window, dashboard, workspace } = stage;
      const files = {
        'ticket.prompty': completion,
        'manner.txt': 'Answer the ticket in a friendly way.\n',
        'tickets.csv': `${tickets.join('\n')}\n`,
      };
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(workspace, name), text);
      try {
        await window.openFile('ticket.prompty');
        const tried = await pressLens(window, 'Try');
        await tried.locator('.inputs textarea').fill('Is it late?');
        const prompt = await window.until('what was typed in the prompt', async () => {
          const text = await tried.locator('.raw').textContent();
          return text?.includes('Is it late?') && text;
        });
        assert.equal(prompt, 'Answer the ticket in a friendly way.\nTicket: Is it late?\nAnswer:');

        const lens = window.page.locator('.codelens-decoration a').filter({ hasText: 'Use in Training' }).first();
        await lens.click();
        await window.question('What should the model learn?');
        await window.answer('Complete');
        await window.question('Which column has the answers?');
        await window.answer('answer');
        await window.question('Which base model');
        await window.answer('starters/decoder');
        await window.question('Which parameters should be trained?');
        await window.answer();
        await window.question('Press Enter to start');
        await window.answer('Start fine-tuning');
        await dashboard.untilState('Done');
        const [run] = await runsOf(workspace);
        assert.equal(path.basename(run.record.recipe.template), 'ticket.prompty');
        assert.equal(run.record.template.text, completion.replace('${file:manner.txt}', files['manner.txt'].trim()));

        // Whatever its file says by now.
        await writeFile(path.join(workspace, 'manner.txt'), 'Be short.\n');
        await window.command('Luthier: Try Model');
        const page = await window.webview('luthier-chat');
        await page.locator('.composer textarea').fill('Is it late?');
        await page.locator('vscode-button').filter({ hasText: 'Continue' }).click();
        const answer = page.locator('article.answer');
        await window.until('an answer', async () => (await answer.getAttribute('aria-busy')) === 'false');
        await page.locator('.read summary').click();
        assert.equal(await page.locator('.read .text').textContent(), prompt);
      } finally {
        for (const name of [...Object.keys(files), 'ticket.recipe.json'])
          await rm(path.join(workspace, name), { force: true });
      }
    },
  },
];
