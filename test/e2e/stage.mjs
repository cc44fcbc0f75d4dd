// What the scenarios play on: one VS Code, one browser window, one workspace, put in order between them.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { launch } from '../webview/browser.mjs';
import { extensionHosts } from './cpu-use.mjs';
import { VSCodeServer } from './server.mjs';
import { DashboardPage, VSCodeWindow } from './window.mjs';
import { clearRuns, makeWorkspace } from './workplace.mjs';

const SIZE = { width: 1440, height: 900 };

/**
 * @typedef {{ name: string, play: (stage: Stage) => Promise<unknown>, skip?: () => string | null | undefined, [key: string]: unknown }} Scenario
 */

export class Stage {
  /** @param {string} folder everything is made in it */
  constructor(folder) {
    this.folder = folder;
    this.workspace = path.join(folder, 'Werkstatt für Geigen 仕事');
    this.eventLoop = path.join(folder, 'event-loop.jsonl');
    /** @type {VSCodeServer[]} */
    this.servers = [];
    /** @type {string[]} */
    this.extensions = [];
    // There while a scenario plays.
    /** @type {VSCodeServer} */
    this.server = /** @type {any} */ (null);
    /** @type {import('playwright-core').Browser} */
    this.browser = /** @type {any} */ (null);
    /** @type {VSCodeWindow} */
    this.window = /** @type {any} */ (null);
    /** @type {DashboardPage} */
    this.dashboard = /** @type {any} */ (null);
    /** @type {VSCodeWindow | null} The one that a picture is taken of. */
    this.shown = null;
    /** @type {string[]} */
    this.figures = [];
    /** When something trained, for the event loop's samples. */
    /** @type {[from: number, to: number][]} */
    this.trained = [];
  }

  /** @param {string[]} extensions */
  async start(extensions) {
    this.extensions = extensions;
    await makeWorkspace(this.workspace);
    this.server = await this.serve('server', {});
    this.browser = await launch();
  }

  /**
   * A further VS Code with the same extensions.
   * @param {string} name
   * @param {Record<string, any>} options
   */
  async serve(name, options) {
    const server = new VSCodeServer(path.join(this.folder, name), {
      ...options,
      settings: {
        'luthier.defaultModel': 'tiny',
        'luthier.modelFolders': [this.workspace],
        // Scenarios of their own have them: elsewhere the first question would stand in the way.
        'luthier.completions.enabled': false,
        ...options.settings,
      },
      env: { LUTHIER_E2E_EVENT_LOOP: this.eventLoop, ...options.env },
    });
    this.servers.push(server);
    await server.install(...this.extensions);
    await server.start();
    return server;
  }

  /** A fresh browser profile with the workspace open, or whatever else VSCodeServer.open takes. */
  async openWindow(server = this.server, target = this.workspace) {
    const context = await this.browser.newContext({ viewport: SIZE, reducedMotion: 'reduce' });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => undefined);
    const page = await context.newPage();
    const window = new VSCodeWindow(page);
    /** @type {string[]} */
    const said = [];
    this.console = said;
    page.on('console', (line) => {
      if (line.type() === 'error') said.push(line.text().slice(0, 500));
    });
    await window.open(server.open(target));
    return window;
  }

  /**
   * Closes a window as a person does, who leaves its page: its extension host ends. That of a browser which is gone without
   * a word is kept for the one that may come back, and meanwhile does what one window alone is to do.
   * @param {VSCodeWindow} window
   */
  async closeWindow(window, server = this.server) {
    const { page } = window;
    const hosts = await extensionHosts(server.pid);
    // What is unsaved stays where it is.
    page.on('dialog', (dialog) => void dialog.accept().catch(() => undefined));
    await page.goto('about:blank');
    await window.until('its extension host to end', async () => (await extensionHosts(server.pid)) < hosts);
    await page.context().close();
  }

  /** @param {VSCodeWindow} window */
  dashboardOf(window) {
    return new DashboardPage(window);
  }

  /**
   * Plays one scenario in an orderly window.
   * @param {Scenario} scenario
   */
  async play(scenario) {
    await clearRuns(this.workspace);
    if (!this.window) {
      this.window = await this.openWindow();
      this.dashboard = new DashboardPage(this.window);
    }
    this.shown = this.window;
    await scenario.play(this);
    this.shown = this.window;
    await clearRuns(this.workspace);
    await this.window.closeEditors();
    await this.window.clearNotifications();
  }

  /**
   * What is left of a failed scenario: a picture and what the browser said. The next one gets a new window on fresh files.
   * @param {Scenario} scenario
   * @param {string} output
   */
  async evidence(scenario, output) {
    const name = path.join(output, scenario.name.replace(/[^\w]+/g, '-').slice(0, 60));
    const files = [];
    try {
      const page = (this.shown ?? this.window)?.page;
      if (page) {
        await page.screenshot({ path: `${name}.png`, timeout: 20_000 });
        files.push(`${name}.png`);
      }
      await writeFile(`${name}.txt`, [...(this.console ?? []), '', this.server?.output ?? ''].join('\n'));
      files.push(`${name}.txt`);
      for (const context of this.browser?.contexts() ?? []) {
        for (const page of context.pages()) await page.goto('about:blank', { timeout: 10_000 }).catch(() => undefined);
        await context.close();
      }
    } catch (error) {
      console.log(`  no picture: ${error.message}`);
    }
    this.window = /** @type {any} */ (null);
    if (!this.browser?.isConnected()) this.browser = await launch();
    await makeWorkspace(this.workspace);
    return files;
  }

  /**
   * Notes a figure that is reported, never asserted.
   * @param {string} name
   * @param {unknown} value
   */
  figure(name, value) {
    this.figures.push(`${name}: ${value}`);
  }

  takeFigures() {
    return this.figures.splice(0);
  }

  async close() {
    await this.browser?.close().catch(() => undefined);
    for (const server of this.servers) await server.stop();
    await clearRuns(this.workspace);
  }
}
