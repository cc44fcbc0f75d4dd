// Opens a built webview in headless Chromium as VS Code would: its page with its policy, a theme's variables,
// acquireVsCodeApi, and messages.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
// The heavy tools are a package of their own: npm ci --prefix test/e2e
const tools = createRequire(path.join(root, 'test/e2e/package.json'));
/** @param {string} name */
const load = async (name) => import(pathToFileURL(tools.resolve(name)).href);

const ORIGIN = 'https://webview.test';
/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.ttf': 'font/ttf', '.map': 'application/json' };

export const THEMES = {
  dark: { file: 'dark-v2', className: 'vscode-dark' },
  light: { file: 'light-v2', className: 'vscode-light' },
  'high-contrast': { file: 'hc-dark', className: 'vscode-high-contrast' },
  'high-contrast-light': { file: 'hc-light', className: 'vscode-high-contrast-light vscode-high-contrast' },
};

/** Why no webview can be opened here; null when one can. */
export const missing = () => {
  if (!existsSync(path.join(root, 'dist/webview/dashboard.js')))
    return 'dist/webview is not built: node esbuild.mjs webview';
  try {
    tools.resolve('playwright-core');
  } catch {
    return 'its tools are not installed: npm ci --prefix test/e2e';
  }
  return null;
};

/**
 * A Chromium: $CHROMIUM, the one that npm's @sparticuz/chromium carries (Linux x64), or one on PATH. What is installed
 * with the tests comes first: they find the same on every machine.
 */
export const launch = async () => {
  const { chromium } = tools('playwright-core');
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
  const installed = process.platform === 'linux' && process.arch === 'x64';
  const executablePath =
    process.env.CHROMIUM || (installed ? undefined : onPath(['chromium', 'google-chrome', 'chromium-browser']));
  if (executablePath) return chromium.launch({ executablePath, args });
  const { default: sparticuz } = await load('@sparticuz/chromium');
  // Its arguments are for AWS Lambda, where there is one process: there all windows share one thread, and what one of
  // them computes keeps the others waiting.
  const own = sparticuz.args.filter(
    (/** @type {string} */ arg) => !['--single-process', '--in-process-gpu', '--no-zygote'].includes(arg),
  );
  return chromium.launch({ executablePath: await sparticuz.executablePath(), args: [...own, ...args] });
};

/** @param {string[]} names */
const onPath = (names) => {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter))
    for (const name of names) {
      const file = path.join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here: look on.
      }
    }
  return undefined;
};

/**
 * The very page that the extension makes: its builder is plain TypeScript.
 * @param {string} view
 * @param {string} language
 */
const pageHtml = async (view, language) => {
  const source = readFileSync(path.join(root, 'src/extension/views/html.ts'), 'utf8');
  const { code } = transformSync(source, { loader: 'ts', format: 'esm' });
  const { webviewHtml } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return webviewHtml({
    title: view,
    cspSource: ORIGIN,
    script: `${ORIGIN}/${view}.js`,
    style: `${ORIGIN}/${view}.css`,
    codicons: `${ORIGIN}/codicon.css`,
    guard: readFileSync(path.join(root, 'dist/webview/guard.js'), 'utf8'),
    nonce: 'aGFybmVzcw==',
    language,
  });
};

/** @param {keyof typeof THEMES} theme */
const themeVariables = async (theme) => {
  const { theme: pairs } = await load(`@vscode-elements/webview-playground/dist/themes/${THEMES[theme].file}.js`);
  return pairs.map((/** @type {[string, string]} */ [name, value]) => [name.replaceAll('\\', ''), value]);
};

/**
 * Where something is on the page.
 * @param {import('playwright-core').Locator} locator
 */
export const boxOf = async (locator) => {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${locator} is not shown`);
  return box;
};

/**
 * @typedef {object} Webview
 * @property {import('playwright-core').Page} page
 * @property {string[]} problems errors and warnings of the console, uncaught errors, and breaches of the content
 *   security policy
 * @property {(message: unknown) => Promise<void>} send posts a message as the host would
 * @property {() => Promise<Window['posts']>} posts what the page posted, oldest first
 * @property {() => Promise<unknown>} settle waits until what was sent is drawn
 * @property {() => Promise<void>} close
 */

/**
 * @param {import('playwright-core').Browser} browser
 * @param {{ view: 'dashboard' | 'tryout' | 'chat' | 'dataset' | 'prompt' | 'completions' | 'comparison' | 'runs', theme?: keyof typeof THEMES, width?: number, height?: number,
 *   state?: unknown, reducedMotion?: boolean, language?: string, navigatorLanguage?: string,
 *   files?: Record<string, string | null>, ready?: boolean }} options `language` is VS Code's, `navigatorLanguage` what
 *   the browser says; `files` stand in place of built ones, null for one that cannot be loaded; `ready` false does not
 *   wait for the page to be up.
 * @returns {Promise<Webview>}
 */
export const openWebview = async (browser, options) => {
  const { view, theme = 'dark', width = 1280, height = 900, state = null, reducedMotion = true } = options;
  const { language = 'en', navigatorLanguage, files = {}, ready = true } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: 1,
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('console', (line) => {
    if (['error', 'warning'].includes(line.type())) problems.push(`${line.type()}: ${line.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`));
  const html = await pageHtml(view, language);
  await page.route(`${ORIGIN}/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: html });
    const other = files[pathname.slice(1)];
    if (other === null) return route.abort();
    const file = path.join(root, 'dist/webview', pathname);
    if (other !== undefined) return route.fulfill({ contentType: TYPES[path.extname(file)], body: other });
    return route.fulfill({ contentType: TYPES[path.extname(file)] ?? 'text/plain', body: readFileSync(file) });
  });
  await page.addInitScript(
    ({ variables, className, kept, navigatorLanguage }) => {
      window.posts = [];
      if (navigatorLanguage !== undefined)
        Object.defineProperty(Navigator.prototype, 'language', { get: () => navigatorLanguage, configurable: true });
      if (kept !== null) sessionStorage.setItem('state', JSON.stringify(kept));
      window.acquireVsCodeApi = () => ({
        postMessage: (/** @type {any} */ message) => window.posts.push(message),
        getState: () => JSON.parse(sessionStorage.getItem('state') ?? 'null') ?? undefined,
        setState: (/** @type {unknown} */ value) => sessionStorage.setItem('state', JSON.stringify(value)),
      });
      const paint = () => {
        for (const [name, value] of variables) document.documentElement.style.setProperty(name, value);
        document.documentElement.style.setProperty('--vscode-font-family', 'Segoe UI, Ubuntu, DejaVu Sans, sans-serif');
        document.documentElement.style.setProperty('--vscode-editor-font-family', 'DejaVu Sans Mono, monospace');
        if (document.body) document.body.className = className;
      };
      document.addEventListener('readystatechange', paint);
    },
    { variables: await themeVariables(theme), className: THEMES[theme].className, kept: state, navigatorLanguage },
  );
  await page.goto(`${ORIGIN}/`);
  if (ready) await page.waitForFunction(() => window.posts.some((message) => message.type === 'ready'));
  return {
    page,
    problems,
    /** Posts a message as the host would; step columns become typed arrays on the way. */
    send: (message) =>
      page.evaluate((/** @type {any} */ sent) => {
        const columns = (/** @type {Record<string, number[]>} */ steps) =>
          Object.fromEntries(Object.entries(steps).map(([name, values]) => [name, Float64Array.from(values)]));
        if (sent.type === 'snapshot' && sent.runs) for (const run of sent.runs) run.steps = columns(run.steps);
        if (sent.type === 'steps') sent.steps = columns(sent.steps);
        window.postMessage(sent, '*');
      }, message),
    posts: () => page.evaluate(() => window.posts),
    settle: () =>
      page.evaluate(
        () => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 150)),
      ),
    close: () => context.close(),
  };
};
