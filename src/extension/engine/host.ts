import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { exists } from '../../files/folders.ts';
import type { RecipeProblem, RunLaunch } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { ENGINE_FILES, MEMENTO_KEYS, SECRETS } from '../ids.ts';
import { type Log, silentLog } from '../log.ts';
import { setting } from '../settings.ts';
import { tell, withProgress } from '../ui.ts';
import type { StartedRun } from './launch.ts';
import { chooseNode, type NodeChoice, type NodeSources } from './node.ts';
import { EngineService } from './service.ts';

/** The engine as this window has it: which Node, the one service, and the way to start a run's process. */
export class EngineHost implements vscode.Disposable {
  readonly service: EngineService;
  private readonly context: vscode.ExtensionContext;
  private readonly log: Log;
  private choice: Promise<NodeChoice> | null = null;

  constructor(context: vscode.ExtensionContext, log: Log) {
    this.context = context;
    this.log = log;
    this.service = new EngineService({
      log,
      idleMs,
      launch: async () => {
        const { launchService } = await import('./launch.ts');
        return await launchService(
          await this.node(),
          await this.script(ENGINE_FILES.service),
          log,
          await this.environment(),
        );
      },
      initialize: async () => {
        const token = await context.secrets.get(SECRETS.huggingFaceToken);
        const cache = setting('luthier.huggingFace.cacheFolder');
        const endpoint = setting('luthier.huggingFace.endpoint');
        return {
          client: `vscode ${vscode.version}`,
          ...(token ? { hugging_face_token: token } : {}),
          ...(cache ? { cache_folder: cache } : {}),
          ...(endpoint ? { endpoint } : {}),
          idle_ms: idleMs(),
        };
      },
    });
  }

  /** Forgets the chosen Node and the service's failures: after a changed setting, or when a person asks. */
  async restart(): Promise<void> {
    this.choice = null;
    await this.service.restart();
  }

  async launchRun(folder: string, launch: RunLaunch): Promise<StartedRun> {
    const [{ launchRun }, node] = await Promise.all([import('./launch.ts'), this.node()]);
    return await launchRun(node, await this.script(ENGINE_FILES.run), folder, launch, await this.environment());
  }

  /**
   * The engine's checks of a recipe, or null where they would start what nobody asked for: in a workspace that is not
   * trusted, or where a Node would have to be fetched first.
   */
  async checkRecipe(text: string, base: string, signal: AbortSignal): Promise<RecipeProblem[] | null> {
    if (!(await this.startsQuietly())) return null;
    return (await this.service.request('recipe/check', { text, base }, { signal })).problems;
  }

  /** Its checks of the text alone, in this process. */
  async checkRecipeText(text: string): Promise<RecipeProblem[]> {
    const module = createRequire(__filename)(await this.script(ENGINE_FILES.recipeText));
    return (module as { checkRecipeText(text: string): RecipeProblem[] }).checkRecipeText(text);
  }

  dispose(): void {
    this.service.dispose();
  }

  /** Whether a Node is there and the workspace trusted, so that the engine starts without asking anybody anything. */
  async startsQuietly(): Promise<boolean> {
    if (!vscode.workspace.isTrusted) return false;
    if (!this.choice) {
      const quiet: Partial<NodeSources> = {
        consent: async () => false,
        selfTest: async () => ({ ok: false, reason: 'was not tried' }),
        log: silentLog,
      };
      const found = await chooseNode({ ...(await this.sources()), ...quiet }).catch(() => null);
      if (!found) return false;
      this.log.info(`Node ${found.version} runs the engine: ${found.path} (${found.reason})`);
      this.choice ??= Promise.resolve(found);
    }
    return await this.choice.then(
      () => true,
      () => false,
    );
  }

  /** Chosen once for a window; a failure is not remembered, so that the next command looks again. */
  private node(): Promise<NodeChoice> {
    if (!vscode.workspace.isTrusted) {
      return Promise.reject(
        new HostError(
          'untrusted',
          'Luthier starts nothing in an untrusted workspace.',
          'Trust it to train and predict.',
        ),
      );
    }
    if (this.choice) return this.choice;
    const choosing = this.choose();
    this.choice = choosing;
    choosing.catch(() => {
      if (this.choice === choosing) this.choice = null;
    });
    return choosing;
  }

  private async choose(): Promise<NodeChoice> {
    return await chooseNode(await this.sources());
  }

  private async sources(): Promise<NodeSources> {
    const registry = setting('luthier.node.registry');
    const service = await this.script(ENGINE_FILES.service);
    return {
      setting: setting('luthier.node.path').trim(),
      searchPath: process.env.PATH ?? process.env.Path ?? '',
      host: { path: process.execPath, electron: process.versions.electron },
      storage: join(this.context.globalStorageUri.fsPath, 'node'),
      platform: process.platform,
      consent: () => this.consent(registry),
      fetch: ({ folder }) =>
        withProgress('Downloading Node.js for Luthier', async (signal, report) => {
          const { fetchNode } = await import('./node-fetch.ts');
          return await fetchNode({
            folder,
            registry,
            platform: process.platform,
            arch: process.arch,
            signal,
            onProgress: (done, total) =>
              report({
                message: `${Math.round(done / 1e6)} MB${total ? ` of ${Math.round(total / 1e6)}` : ''}`,
                done,
                total,
              }),
          });
        }),
      selfTest: async (path, environment) => {
        const { selfTest } = await import('./self-test.ts');
        return await selfTest(path, environment, service);
      },
      log: this.log,
    };
  }

  private async consent(registry: string): Promise<boolean> {
    if (this.context.globalState.get(MEMENTO_KEYS.nodeDownloadDeclined) === true) return false;
    const download = 'Download';
    const never = "Use VS Code's Own";
    const answer = await tell(
      'information',
      `Luthier needs Node.js 20 or newer and found none on this machine. Download it from ${registry} (about 50 MB, kept in VS Code's storage and verified by its checksum)?`,
      download,
      never,
    );
    if (answer === never) await this.context.globalState.update(MEMENTO_KEYS.nodeDownloadDeclined, true);
    return answer === download;
  }

  private async script(file: string): Promise<string> {
    const path = this.context.asAbsolutePath(file);
    if (await exists(path)) return path;
    throw new HostError(
      'engine-not-found',
      `Luthier's engine is missing: ${path} does not exist.`,
      'Reinstall the extension (in a checkout: npm run build).',
    );
  }

  /** What a run's or the service's process needs to reach the hub as the person does. */
  private async environment(): Promise<Record<string, string | undefined>> {
    const token = await this.context.secrets.get(SECRETS.huggingFaceToken);
    const endpoint = setting('luthier.huggingFace.endpoint');
    const cache = setting('luthier.huggingFace.cacheFolder');
    return {
      HF_TOKEN: token || undefined,
      HF_ENDPOINT: endpoint || undefined,
      HF_HUB_CACHE: cache || undefined,
      LUTHIER_FEATURE_CACHE: `${setting('luthier.featureCache.maxGigabytes')}GB`,
    };
  }
}

const idleMs = (): number => Math.max(1, setting('luthier.service.idleMinutes')) * 60_000;
