// Drives one VS Code window in a browser as a person would, and looks at what a person would see.

/** Longest wait for anything: the machine may be busy with other things. */
export const PATIENCE = Number(process.env.LUTHIER_E2E_PATIENCE_MS ?? 120_000);

/** Tells of every attempt that failed, for who looks for what makes a scenario slow. */
const VERBOSE = Boolean(process.env.LUTHIER_E2E_VERBOSE);

const QUICK = '.quick-input-widget:not([style*="display: none"])';

/** In the page: keeps what notifications said, whether in passing or in the notification centre. */
function listen() {
  /** @type {string[]} */
  const said = [];
  const seen = new Set();
  window.notificationsSaid = { said, seen };
  const look = () => {
    for (const message of document.querySelectorAll('.notification-list-item-message')) {
      const text = message.textContent;
      if (!text || seen.has(text)) continue;
      seen.add(text);
      said.push(text);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}

/** After so long all of a workbench's state is kept. */
const BROWSER_STORAGE_MS = 6_500;

export class VSCodeWindow {
  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    page.setDefaultNavigationTimeout(PATIENCE);
  }

  /** @param {string} url */
  async open(url) {
    await this.page.addInitScript(listen);
    await this.page.goto(url);
    await this.stands();
    await this.atRest();
  }

  /** @returns when the page was told to, and when the workbench stood again */
  async reload() {
    // A VS Code in a browser keeps its state every 5 s and not on the way out (a page that goes cannot wait for that):
    // what was opened just before would not be there again.
    await new Promise((resolve) => setTimeout(resolve, BROWSER_STORAGE_MS));
    const began = performance.now();
    await this.page.reload();
    await this.stands();
    return { began, stood: performance.now() };
  }

  /** Until the workbench stands. */
  async stands() {
    await this.page.waitForSelector('.monaco-workbench .activitybar a[aria-label="Luthier"]');
    await this.page.waitForSelector('.monaco-workbench .statusbar');
  }

  /**
   * Until all of VS Code that a person meets has begun. It starts its parts one by one when there is nothing else to
   * do, on a busy machine one each half second: among the last of them the one that knows that the workspace is
   * trusted, without which half of the commands are not there.
   */
  async atRest() {
    const begun = () => performance.getEntriesByName('code/didCreateWorkbenchContributions/3').length > 0;
    await this.until('VS Code to have begun', () => this.page.evaluate(begun));
  }

  /** Waits until `check` gives something truthy, and gives it; fails with what was waited for. */
  async until(/** @type {string} */ what, /** @type {() => any} */ check, { patience = PATIENCE, every = 100 } = {}) {
    const end = performance.now() + patience;
    let last;
    for (;;) {
      try {
        last = await check();
        if (last) return last;
      } catch (error) {
        // A frame may be on its way out while it is looked at.
        last = error;
        if (VERBOSE && error.name === 'TimeoutError')
          console.log(`  ${what}: ${error.message.split('\n', 3).join(' ')}`);
      }
      if (performance.now() > end) {
        const seen = last instanceof Error ? `: ${last.message}` : '';
        throw new Error(`Waited ${patience / 1000} s in vain for ${what}${seen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, every));
    }
  }

  /**
   * Runs a command from the palette by its title, with the keys alone.
   * @param {string} title
   */
  async command(title) {
    const { page } = this;
    await this.until(`the command “${title}”`, async () => {
      await page.keyboard.press('F1');
      const input = page.locator(`${QUICK} input[type="text"], ${QUICK} .quick-input-filter input`).first();
      await input.waitFor({ timeout: 10_000 });
      // Something that opens meanwhile may take the focus, and the palette with it.
      await input.fill(`>${title}`, { timeout: 5000 });
      await this.rows().filter({ hasText: title }).first().waitFor({ timeout: 10_000 });
      // To the palette and nobody else, should it be gone by now.
      return (await this.moveTo(title)) && (await input.press('Enter', { timeout: 5000 }).then(() => true));
    });
    // While it is still there, a further Enter would run the command once more.
    const asked = page.locator(`${QUICK} input`);
    await this.until('the palette to close', async () =>
      (await asked.evaluateAll((inputs) => inputs.map((input) => /** @type {HTMLInputElement} */ (input).value))).every(
        (text) => text !== `>${title}`,
      ),
    );
  }

  rows() {
    return this.page.locator(`${QUICK} .quick-input-list .monaco-list-row`);
  }

  /**
   * Moves to the row of the open list that has this very label: longer ones with the same words may stand above it.
   * @param {string} label
   */
  async moveTo(label) {
    for (let down = 0; down < 10; down++) {
      const focused = this.rows().locator('xpath=self::*[contains(@class, "focused")]').first();
      const text = await focused.locator('.label-name').first().innerText({ timeout: 5000 });
      if (text.trim() === label) return true;
      await this.page.keyboard.press('ArrowDown');
    }
    await this.page.keyboard.press('Escape');
    return false;
  }

  /**
   * Until a question is shown whose title or placeholder holds a text.
   * @param {string} text
   */
  async question(text) {
    await this.until(`the question “${text}”`, async () => {
      const title = await this.page.locator(`${QUICK} .quick-input-title`).allTextContents();
      const holders = await this.page
        .locator(`${QUICK} input`)
        .evaluateAll((inputs) => inputs.map((input) => /** @type {HTMLInputElement} */ (input).placeholder));
      return [...title, ...holders].some((shown) => shown.includes(text));
    });
  }

  /**
   * Answers the open question: with the row that holds `text`, or without one with what is offered first.
   * @param {string} [text]
   */
  async answer(text) {
    if (text === undefined) {
      await this.rows().locator('xpath=self::*[contains(@class, "focused")]').first().waitFor();
    } else {
      await this.page.locator(`${QUICK} input`).first().fill(text);
      await this.rows().filter({ hasText: text }).first().waitFor();
    }
    await this.page.locator(`${QUICK} input`).first().press('Enter');
  }

  /**
   * Answers the open question for a line of text.
   * @param {string} text
   */
  async type(text) {
    const input = this.page.locator(`${QUICK} input`).first();
    await input.fill(text);
    await input.press('Enter');
  }

  /**
   * Names a file or folder, by its whole path, in the dialog that asks for one.
   * @param {string} file
   * @param {string} [title] of the dialog, where another one follows it
   */
  async chooseFile(file, title = '') {
    const input = this.page.locator(`${QUICK} input`).first();
    const isShown = async () => {
      const titles = await this.page.locator(`${QUICK} .quick-input-title`).allTextContents();
      return (await input.isVisible()) && (title === '' || titles.some((shown) => shown.includes(title)));
    };
    await this.until(
      'the dialog with a folder',
      async () => (await isShown()) && (await input.inputValue()).startsWith('/'),
    );
    // While it looks into a folder it takes neither a path nor a press.
    await this.until('the dialog to take the path', async () => {
      if (!(await isShown())) return true;
      if ((await input.inputValue()) !== file) await input.fill(file, { timeout: 5000 });
      else await this.page.locator(`${QUICK} .quick-input-action .monaco-button`).first().click({ timeout: 5000 });
      return false;
    });
  }

  /**
   * Chooses from the context menu of what `locator` names.
   * @param {import('playwright-core').Locator} locator
   * @param {string} label
   */
  async contextMenu(locator, label) {
    await locator.click({ button: 'right' });
    const item = this.page.locator('.monaco-menu .action-label').getByText(label, { exact: true });
    await item.waitFor();
    // A menu that has just opened takes no click, so that the one that opened it chooses nothing.
    await this.until(`the menu to take “${label}”`, async () => {
      if (await item.isVisible()) await item.click({ timeout: 5000 });
      return !(await item.isVisible());
    });
  }

  /**
   * Until a modal dialog says what fits; gives all that it says.
   * @param {RegExp} pattern
   */
  async dialog(pattern) {
    const box = this.page.locator('.monaco-dialog-box');
    return await this.until(`a dialog like ${pattern}`, async () => {
      const text = (await box.count()) > 0 && (await box.innerText({ timeout: 5000 }));
      return text && pattern.test(text) && text;
    });
  }

  /**
   * Presses a button of the open dialog.
   * @param {string} button
   */
  async answerDialog(button) {
    const box = this.page.locator('.monaco-dialog-box');
    await box.getByRole('button', { name: button, exact: true }).click();
    await box.waitFor({ state: 'hidden' });
  }

  /** From the first question of Fine-tune on Selection to the summary, with what is offered first but the model. */
  async answerUntilSummary(model = 'tiny', summary = 'Press Enter to start') {
    await this.question('which column is the text');
    await this.answer();
    await this.question('Which base model');
    await this.answer(model);
    await this.question('Which parameters should be trained?');
    await this.answer();
    await this.question(summary);
  }

  /**
   * Opens a file of the workspace by its name.
   * @param {string} name
   */
  async openFile(name) {
    const { page } = this;
    // What was asked before the files could be searched stays without an answer, and a view that opens meanwhile takes
    // the focus.
    await this.until(`the file ${name} to be found and opened`, async () => {
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+P');
      const input = page.locator(`${QUICK} input`).first();
      await input.waitFor({ timeout: 10_000 });
      await input.fill(name, { timeout: 5000 });
      await this.rows().filter({ hasText: name }).first().waitFor({ timeout: 10_000 });
      if (!(await this.moveTo(name))) return false;
      await input.press('Enter', { timeout: 5000 });
      await page.locator(`.tabs-container .tab.active[data-resource-name="${name}"]`).waitFor({ timeout: 10_000 });
      return true;
    });
    await page.locator('.editor-instance .monaco-editor .view-line').first().waitFor();
  }

  async openSideBar() {
    const header = this.page.locator('.pane-header[aria-label^="Runs"]');
    // A click on the shown view's icon hides the side bar.
    if (!(await header.isVisible())) await this.page.locator('.activitybar a[aria-label="Luthier"]').click();
    await header.waitFor();
  }

  /**
   * Rows of one of Luthier's views: `Datasets` or `Runs`.
   * @param {string} view
   */
  tree(view) {
    // Behind the welcome text an emptied list keeps its last rows, unseen.
    return this.page.locator(`.pane:has(> .pane-header[aria-label^="${view}"]) .monaco-list-row:visible`);
  }

  /**
   * What a tree shows, a line for each row.
   * @param {string} view
   */
  async treeText(view) {
    return (
      await this.tree(view).evaluateAll((rows) =>
        rows.map((row) => /** @type {HTMLElement} */ (row).innerText.replace(/\s+/g, ' ')),
      )
    ).map((line) => line.trim());
  }

  /**
   * The page in a webview of ours, by its element: `luthier-dashboard` or `luthier-tryout`.
   * @param {string} element
   * @param {{ patience?: number, every?: number }} [options]
   */
  async webview(element, options) {
    return await this.until(
      `the webview ${element}`,
      async () => {
        for (const frame of this.page.frames()) {
          if (frame === this.page.mainFrame()) continue;
          const found = await frame
            .evaluate((name) => Boolean(document.querySelector(name)), element)
            .catch(() => false);
          if (found) return frame;
        }
        return null;
      },
      options,
    );
  }

  /** What notifications have said since they were cleared, those that went away included. */
  async notifications() {
    return await this.page.evaluate(() => [...window.notificationsSaid.said]);
  }

  /**
   * Presses a button of a notification, once it is there: in the notification centre where it has gone by.
   * @param {RegExp} said
   * @param {string} button
   * @param {{ patience?: number }} [options]
   */
  async pressInNotification(said, button, options) {
    await this.until(
      `a notification like ${said}`,
      async () => (await this.notifications()).some((text) => said.test(text)),
      options,
    );
    const item = this.page.locator('.notification-list-item:visible').filter({ hasText: said }).first();
    await this.until(`the notification’s button ${button}`, async () => {
      if (!(await item.isVisible())) await this.command('Notifications: Show Notifications');
      const wanted = item.getByRole('button', { name: button });
      // In the centre it shows its first line alone.
      if (!(await wanted.isVisible())) {
        await item.hover({ timeout: 5000 });
        await item.getByRole('button', { name: 'Expand Notification' }).click({ timeout: 5000 });
      }
      await wanted.click({ timeout: 5000 });
      return true;
    });
  }

  /**
   * Opens a walkthrough by its command, and waits until steps are ticked.
   * @param {string} command
   * @param {string[]} steps that are to be ticked, by their ids; others may be, too
   * @returns {Promise<string[]>} all that are
   */
  async ticked(command, steps) {
    await this.command(command);
    const done = this.page.locator('.step-list-container [data-done-step-id][aria-checked="true"]');
    const ids = async () =>
      await done.evaluateAll((boxes) =>
        boxes.map((box) => (box.getAttribute('data-done-step-id') ?? '').split('#')[2]),
      );
    return await this.until(`${steps.join(', ')} to be ticked`, async () => {
      const shown = await ids();
      return steps.every((step) => shown.includes(step)) && shown;
    });
  }

  async clearNotifications() {
    await this.command('Notifications: Clear All Notifications');
    await this.page.evaluate(() => {
      window.notificationsSaid.said.length = 0;
      window.notificationsSaid.seen.clear();
    });
  }

  async closeEditors() {
    await this.command('View: Close All Editors');
    const discard = this.page.getByRole('button', { name: "Don't Save" });
    await this.until('the editors to close', async () => {
      if (await discard.isVisible()) await discard.click();
      return (await this.page.locator('.editor-group-container .tab').count()) === 0;
    });
  }
}

/** The dashboard as it is shown. */
export class DashboardPage {
  /** @param {VSCodeWindow} window */
  constructor(window) {
    this.window = window;
  }

  async frame() {
    return await this.window.webview('luthier-dashboard');
  }

  async text() {
    return await (await this.frame()).evaluate(() => document.body.innerText);
  }

  /** Step as the header says it, 0 before the first. */
  async step() {
    const text = await (await this.frame()).evaluate(() => document.querySelector('.progress-text')?.textContent ?? '');
    const [, step] = /Step ([\d,.\s ]+) of/.exec(text) ?? [];
    return step ? Number(step.replace(/\D/g, '')) : 0;
  }

  async state() {
    return (
      await (await this.frame()).evaluate(() => document.querySelector('.title-row .pill')?.textContent ?? '')
    ).trim();
  }

  /** The pixels of the first chart, to be compared. */
  async picture() {
    return await (await this.frame()).evaluate(
      () => /** @type {HTMLCanvasElement | null} */ (document.querySelector('luthier-chart canvas'))?.toDataURL() ?? '',
    );
  }

  /** @param {number} step */
  async untilStep(step) {
    return await this.window.until(`step ${step} on the dashboard`, async () => {
      const now = await this.step();
      return now >= step && now;
    });
  }

  /**
   * @param {string} word
   * @param {{ patience?: number, every?: number }} [options]
   */
  async untilState(word, options) {
    await this.window.until(
      `the state “${word}” on the dashboard`,
      async () => (await this.state()).toLowerCase().includes(word.toLowerCase()),
      options,
    );
  }

  /** @param {string} label */
  async press(label) {
    const frame = await this.frame();
    await frame.locator('.actions vscode-button').filter({ hasText: label }).first().click();
  }
}
