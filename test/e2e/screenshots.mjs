// node test/e2e/screenshots.mjs [--only views|prompts] [THEME…]: pictures of the views in a real VS Code, in dark, light
// and high contrast, wide and narrow, into test/e2e/output/screenshots; `prompts` are those of prompt templates. The starter
// is trained on an example for them, so the first call takes some minutes.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makePackage } from '../../scripts/package.mjs';
import { boxOf, launch } from '../webview/browser.mjs';
import { pressLens } from './scenarios/prompts.mjs';
import { VSCodeServer, whyAbsent } from './server.mjs';
import { DashboardPage, VSCodeWindow } from './window.mjs';
import { luthier, runsOf } from './workplace.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const output = path.join(here, 'output/screenshots');

const THEMES = { dark: 'Dark 2026', light: 'Light 2026', 'high-contrast': 'Default High Contrast' };
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 900, height: 800 } };

const SETTINGS = {
  // What the picture is not about.
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'editor.minimap.enabled': false,
};

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('./server.mjs').VSCodeServer} server
 * @param {string} workspace
 * @param {keyof typeof SIZES} size
 */
async function openWindow(browser, server, workspace, size) {
  const context = await browser.newContext({ viewport: SIZES[size], reducedMotion: 'reduce' });
  const window = new VSCodeWindow(await context.newPage());
  await window.open(server.open(workspace));
  return window;
}

const RUNS = {
  'tickets · lr 5e-5': ['learning_rate=5e-5', 'num_train_epochs=2'],
  'tickets · full': [],
};

const TEMPLATE = `---
name: Sort a ticket
description: What a customer wants
model:
  id: tickets · full
luthier:
  dataset: tickets.csv
inputs:
  - name: text
    kind: string
    description: What the customer wrote
sample:
  text: I was charged twice, and the parcel is still not here.
---
user:
{{ text | trim }}
`;

/**
 * A template beside its page: tried, and compared on rows with a vote.
 * @param {import('./window.mjs').VSCodeWindow} window
 * @param {(view: string, clip?: any) => Promise<void>} take
 */
async function takePrompts(window, take) {
  const { page } = window;
  const answered = (/** @type {import('playwright-core').Frame} */ frame, /** @type {number} */ count) =>
    window.until(`${count} answers`, async () => {
      const ends = await frame.locator('article.answer .under').allInnerTexts();
      return ends.length === count && ends.every((/** @type {string} */ end) => /\d (ms|s)\b/.test(end));
    });
  await window.openFile('sort.prompty');
  const tried = await pressLens(window, 'Try');
  await tried.locator('.run').click();
  await answered(tried, 1);
  await take('prompt-try');
  await window.closeEditors();
  await window.openFile('sort.prompty');
  const compared = await pressLens(window, 'Compare');
  await compared.locator('vscode-button').filter({ hasText: 'Add…' }).click();
  await window.question('What should be compared?');
  await window.answer('tickets · lr 5e-5');
  await window.until('both models', async () => (await compared.locator('.columns li').count()) === 2);
  await compared.locator('vscode-button').filter({ hasText: 'Pick Rows…' }).click();
  await window.question('Pick Rows of tickets.csv');
  await window.rows().nth(1).click();
  await page.keyboard.press('Enter');
  await window.until('both rows', async () => (await compared.locator('.row').count()) === 2);
  await compared.locator('.run').click();
  await answered(compared, 4);
  await compared.getByRole('radio', { name: 'tickets · full' }).first().check();
  await compared.locator('.run').scrollIntoViewIfNeeded();
  await take('prompt-compare');
  await window.closeEditors();
}

/**
 * Trees and dashboard, comparison, Try Model, data set, recipe, Fine-tune on Selection, walkthrough: one picture each.
 * @param {import('./window.mjs').VSCodeWindow} window
 * @param {(view: string, clip?: any) => Promise<void>} take
 */
async function takeAll(window, take) {
  const { page } = window;
  await window.openSideBar();
  const dashboard = new DashboardPage(window);
  const run = window.tree('Runs').filter({ hasText: 'tickets · full' }).first();
  const other = window.tree('Runs').filter({ hasText: 'lr 5e-5' }).first();
  await run.waitFor();
  await run.click();
  await dashboard.untilState('Done');
  await window.clearNotifications();
  await window.until('the chart', async () => (await dashboard.picture()).length > 5000);
  await take('dashboard');
  await (await dashboard.frame()).locator('#tab-evaluation').click();
  await window.until('the confusion matrix', async () =>
    (await dashboard.frame()).evaluate(() => Boolean(document.querySelector('luthier-confusion'))),
  );
  await take('evaluation');
  await (await dashboard.frame()).locator('#tab-log').click();
  await take('events');

  await other.click({ modifiers: ['Control'] });
  await window.contextMenu(other, 'Compare Runs…');
  await window.until('both runs', async () => (await (await dashboard.frame()).locator('.runs li').count()) === 2);
  await (await dashboard.frame()).locator('#tab-charts').click();
  await window.until('the chart', async () => (await dashboard.picture()).length > 5000);
  await take('compare');
  await (await dashboard.frame()).locator('#tab-recipe').click();
  await take('compare-recipes');
  await window.closeEditors();
  await run.click();
  await dashboard.untilState('Done');

  await dashboard.press('Try Model');
  const tryout = await window.webview('luthier-tryout');
  const field = tryout.locator('vscode-textarea textarea');
  await field.fill(
    (await readFile(path.join(here, '../../examples/try.txt'), 'utf8')).split('\n').slice(0, 3).join('\n'),
  );
  await window.until('labels', () => tryout.evaluate(() => document.querySelectorAll('.results .scores').length >= 3));
  await take('try-model');

  await window.tree('Datasets').filter({ hasText: 'tickets.csv' }).click();
  await window.until('its rows', async () =>
    (await window.treeText('Datasets')).some((line) => /^\d+ rows/.test(line)),
  );
  await window.contextMenu(window.tree('Datasets').filter({ hasText: 'tickets.csv' }), 'Inspect Dataset');
  await window.until('the report', async () => {
    const texts = page.frames().map((frame) => frame.evaluate(() => document.body?.innerText ?? '').catch(() => ''));
    return (await Promise.all(texts)).some((text) => /tickets\.csv\s/.test(text) && /rows?, CSV/i.test(text));
  });
  await take('dataset');
  await window.closeEditors();

  await window.openFile('tickets.recipe.json');
  await page.locator('.codelens-decoration a').filter({ hasText: 'Train' }).first().waitFor();
  await take('recipe');
  await window.openFile('tickets.csv');
  // Its list takes a share of the window's height: here all of it is to be seen.
  const size = page.viewportSize() ?? SIZES.wide;
  await page.setViewportSize({ ...size, height: 980 });
  await window.command('Luthier: Fine-tune on Selection');
  await window.answerUntilSummary('starters/bert');
  await take('fine-tune');
  const summary = await boxOf(page.locator('.quick-input-widget'));
  await take('fine-tune-summary', {
    x: summary.x - 8,
    y: summary.y - 8,
    width: summary.width + 16,
    height: summary.height + 16,
  });
  await page.keyboard.press('Escape');
  await page.setViewportSize(size);
  await window.command('Luthier: Get Started');
  await page.locator('.gettingStartedContainer .step-list-container, .gettingStartedDetailsContent').first().waitFor();
  await take('walkthrough');
  await window.closeEditors();
}

const VIEWS = { views: takeAll, prompts: takePrompts };

/** The examples with two runs and a template; kept, so that only the first call trains. */
async function trained() {
  const workspace = path.join(output, 'examples');
  await cp(path.join(here, '../../examples'), workspace, { recursive: true });
  const names = (await runsOf(workspace))
    .filter(({ record }) => record.state === 'done')
    .map(({ record }) => record.name);
  for (const [name, set] of Object.entries(RUNS)) {
    if (names.includes(name)) continue;
    console.log(`Training ${name} …`);
    const changes = set.flatMap((change) => ['--set', change]);
    await luthier(workspace, 'train', 'tickets.recipe.json', '--name', name, '--json', ...changes);
  }
  await writeFile(path.join(workspace, 'sort.prompty'), TEMPLATE);
  return workspace;
}

async function main() {
  const absent = whyAbsent();
  if (absent) throw new Error(`No pictures can be taken: ${absent}.`);
  await mkdir(output, { recursive: true });
  const folder = await mkdtemp(path.join(tmpdir(), 'luthier-pictures-'));
  const server = new VSCodeServer(path.join(folder, 'server'), { settings: SETTINGS });
  let browser;
  try {
    const { values, positionals: wanted } = parseArgs({
      options: { only: { type: 'string' } },
      allowPositionals: true,
    });
    const kinds = /** @type {(keyof typeof VIEWS)[]} */ (Object.keys(VIEWS)).filter(
      (kind) => values.only === undefined || values.only === kind,
    );
    if (kinds.length === 0) throw new Error(`There are no pictures of ${values.only}.`);
    const workspace = await trained();
    const nothing = path.join(folder, 'new project');
    await mkdir(nothing);
    const vsix = path.join(folder, 'luthier.vsix');
    await makePackage({ out: vsix });
    await server.install(vsix);
    await server.start();
    browser = await launch();
    const settings = path.join(folder, 'server/data/User/settings.json');
    for (const [theme, title] of Object.entries(THEMES)) {
      if (wanted.length > 0 && !wanted.includes(theme)) continue;
      const all = JSON.parse(await readFile(settings, 'utf8'));
      await writeFile(settings, JSON.stringify({ ...all, 'workbench.colorTheme': title }));
      for (const size of /** @type {(keyof typeof SIZES)[]} */ (Object.keys(SIZES))) {
        const take = async (
          /** @type {import('./window.mjs').VSCodeWindow} */ window,
          /** @type {string} */ view,
          /** @type {import('playwright-core').PageScreenshotOptions['clip']} */ clip = undefined,
        ) => {
          // Hover and caret come and go: the pointer rests where nothing is.
          await window.page.mouse.move(2, 2);
          await new Promise((resolve) => setTimeout(resolve, 500));
          await window.page.screenshot({
            path: path.join(output, `${view}-${theme}-${size}.png`),
            ...(clip && { clip }),
          });
        };
        if (kinds.includes('views')) {
          const empty = await openWindow(browser, server, nothing, size);
          await empty.openSideBar();
          await empty.page.locator('.welcome-view-content:visible').last().waitFor();
          await take(empty, 'welcome');
          await empty.page.context().close();
        }
        for (const kind of kinds) {
          const window = await openWindow(browser, server, workspace, size);
          await VIEWS[kind](window, (view, clip) => take(window, view, clip));
          await window.page.context().close();
        }
        console.log(`${theme}, ${size}`);
      }
    }
    console.log(`The pictures are in ${path.relative(process.cwd(), output)}`);
  } finally {
    await browser?.close().catch(() => undefined);
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
