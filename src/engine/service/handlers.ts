import type { Handlers } from '../../files/rpc.ts';
import {
  isFoldCount,
  isSeedCount,
  LuthierError,
  MOST_FOLDS,
  MOST_SEEDS,
  type Progressing,
  type RecipeSource,
  type ServiceNotifications,
  type ServiceRequests,
  seedsFrom,
} from '../../protocol/index.ts';
import type { PromptRenderer } from '../prompts/renderer.ts';
import type { RecipeChecker } from '../recipes/check-recipe.ts';
import type { LoadedRecipe } from '../recipes/recipe.ts';
import { VERSION } from '../version.ts';
import { Hosts } from './host/hosts.ts';
import { Newest } from './newest.ts';
import type { Tell } from './stdio.ts';

/** How long a model stays loaded where the client does not say. */
const IDLE_MS = 10 * 60_000;

export interface Settings {
  tell: Tell<ServiceNotifications>;
  /** Ends the process once the answer is sent. */
  end: () => void;
}

/** What each request does. Code is loaded when it is first needed: most windows never predict. */
export function createHandlers({ tell, end }: Settings): Handlers<ServiceRequests> {
  let token: string | undefined;
  let cacheFolder: string | undefined;
  let endpoint: string | undefined;
  let idleMs = IDLE_MS;
  const hosts = new Hosts({ tell, idleMs: () => idleMs });
  const completions = new Newest();
  const comparisons = new Map<string, AbortController>();
  let checker: RecipeChecker | null = null;

  let prompts: PromptRenderer | undefined;
  const renderer = async () => {
    prompts ??= new (await import('../prompts/renderer.ts')).PromptRenderer();
    return prompts;
  };

  const progressOf =
    ({ progress_token }: Progressing) =>
    (message: string, done: number, total: number | null) => {
      if (progress_token !== undefined) tell('progress', { token: progress_token, message, done, total });
    };

  return {
    initialize: (params) => {
      token = params.hugging_face_token;
      cacheFolder = params.cache_folder;
      endpoint = params.endpoint;
      idleMs = params.idle_ms ?? IDLE_MS;
      return { version: VERSION, node: process.version, pid: process.pid };
    },
    'data/inspect': async (params, signal) => {
      const [{ inspectData }, { allTasks, taskOfData }] = await Promise.all([
        import('../data/inspect.ts'),
        import('../tasks/registry.ts'),
      ]);
      const progress = progressOf(params);
      const onProgress = (done: number, total: number) => progress('bytes', done, total);
      return inspectData({ ...params, onProgress, signal }, params.task ? [taskOfData(params)] : allTasks);
    },
    'data/create': async (params, signal) => {
      const [{ createDataset }, { taskOfData }] = await Promise.all([
        import('../data/store.ts'),
        import('../tasks/registry.ts'),
      ]);
      return createDataset({ ...params, signal }, taskOfData(params));
    },
    'data/append': async (params) => {
      const { appendRows } = await import('../data/append.ts');
      return appendRows(params);
    },
    'data/undo-append': async (params) => {
      const { undoAppend } = await import('../data/append.ts');
      return undoAppend(params);
    },
    'data/rows': async (params, signal) => {
      const [{ listRows }, { taskOfData }] = await Promise.all([
        import('../data/rows.ts'),
        import('../tasks/registry.ts'),
      ]);
      return listRows({ ...params, signal }, taskOfData(params));
    },
    'data/preview': async (params, signal) => {
      const [{ previewData }, { taskOfData }] = await Promise.all([
        import('../train/preview.ts'),
        import('../tasks/registry.ts'),
      ]);
      return previewData({ ...params, cacheFolder, signal }, taskOfData(params));
    },
    'data/locate': async (params, signal) => {
      const [{ locateRow }, { taskOfData }] = await Promise.all([
        import('../data/rows.ts'),
        import('../tasks/registry.ts'),
      ]);
      return locateRow({ ...params, signal }, taskOfData(params));
    },
    'files/survey': async (params, signal) => {
      const { surveyFiles } = await import('../collect/collect.ts');
      return surveyFiles(params, signal);
    },
    // Masks and compares texts for seconds.
    'files/collect': (params, signal) => hosts.aside('files/collect', params, signal),
    'files/recipe': async (params) => {
      const { recipeForFiles } = await import('../recipes/own-files.ts');
      return recipeForFiles({ ...params, cacheFolder });
    },
    'recipe/resolve': async (source) => {
      const { recipe, base } = await readRecipe(source);
      return { recipe, base };
    },
    'recipe/check': async ({ text, base }, signal) => {
      checker ??= new (await import('../recipes/check-recipe.ts')).RecipeChecker();
      return { problems: await checker.check({ text, base, cacheFolder, signal }) };
    },
    'recipe/reads': async ({ roots, ...source }) => {
      const { readsOutside } = await import('../runs/outside.ts');
      return { outside: await readsOutside(await readRecipe(source), roots) };
    },
    'recipe/rates': (params, signal) => hosts.aside('recipe/rates', params, signal),
    'run/create': async (params) => {
      const { folds, seeds } = params;
      if (folds !== undefined && !isFoldCount(folds.count)) {
        throw new LuthierError(
          'usage',
          `Rows cannot be divided into ${folds.count} folds.`,
          `Choose a whole number from 2 to ${MOST_FOLDS}.`,
        );
      }
      if (seeds !== undefined && !isSeedCount(seeds)) {
        throw new LuthierError(
          'usage',
          `A recipe cannot be trained with ${seeds} seeds.`,
          `Choose a whole number from 2 to ${MOST_SEEDS}.`,
        );
      }
      const { createRun } = await import('../runs/folder.ts');
      const loaded = await readRecipe(params);
      const { folder, record } = await createRun({
        ...loaded,
        luthierFolder: params.folder,
        state: 'queued',
        folds: folds && { count: folds.count, final: folds.final },
        seeds: seeds === undefined ? undefined : seedsFrom(loaded.recipe.seed, seeds),
        ...(params.name === undefined ? {} : { name: params.name }),
      });
      return { path: folder, record };
    },
    'strategies/suggest': async ({ model, base, rows, classes, named, task }) => {
      const [{ suggestStrategies }, { factsOf }] = await Promise.all([
        import('../strategies/index.ts'),
        import('../strategies/facts.ts'),
      ]);
      return suggestStrategies(rows, { ...(await factsOf(model, base, cacheFolder)), classes, named }, task);
    },
    'run/rows': async (source, signal) => {
      const { countRows } = await import('../recipes/count-rows.ts');
      return countRows(await readRecipe(source), { cacheFolder, signal });
    },
    'run/estimate': (source, signal) => hosts.aside('run/estimate', { source, cacheFolder }, signal),
    'run/completions': (params, signal) => hosts.aside('run/completions', { ...params, cacheFolder }, signal),
    'run/checkpoint': (params, signal) => hosts.aside('run/checkpoint', params, signal),
    'run/cell': (params, signal) => hosts.ask(params.run, 'run/cell', params, signal),
    'run/compare': async ({ runs, limit }, signal) => {
      const { compareRuns } = await import('../runs/compare-runs.ts');
      return compareRuns({ runs, limit, signal, label: (run, texts) => hosts.ask(run, 'label', { texts }, signal) });
    },
    predict: (params, signal) => hosts.ask(params.model, 'predict', params, signal),
    'predict/file': (params, signal) => hosts.ask(params.model, 'predict/file', params, signal),
    generate: (params, signal) => hosts.ask(params.model, 'generate', params, signal),
    'prompt/render': async ({ model, ...source }, signal) => {
      if (model !== undefined) return hosts.ask(model, 'prompt/render', source, signal);
      const { renderPrompt } = await import('../infer/prompt-model.ts');
      return (await renderPrompt(source, { renderer: await renderer(), model: null, signal })).prompt;
    },
    'prompt/check': async ({ model, ...source }, signal) => {
      if (model !== undefined) return hosts.ask(model, 'prompt/check', source, signal);
      const { checkWithEngine } = await import('../infer/prompt-check.ts');
      return checkWithEngine(source, { renderer: await renderer(), model: null, signal });
    },
    'prompt/run': (params, signal) => hosts.ask(params.model, 'prompt/run', params, signal),
    'prompt/code': (params, signal) => hosts.ask(params.model, 'prompt/code', params, signal),
    'prompt/rows': async (params, signal) => {
      const { listPromptRows } = await import('../prompts/rows.ts');
      return listPromptRows(params, signal);
    },
    'completion/complete': (params, signal) =>
      completions.run(params.model, signal, (newest) => hosts.ask(params.model, 'completion/complete', params, newest)),
    'completion/prepare': (params, signal) => hosts.ask(params.model, 'completion/prepare', params, signal),
    evaluate: (params, signal) => hosts.ask(params.model, 'evaluate', params, signal),
    export: (params, signal) => hosts.ask(params.run, 'export', params, signal),
    'models/list': async ({ folders }) => {
      const { listModels } = await import('../model-files/list.ts');
      return listModels(folders, cacheFolder);
    },
    'models/describe': async ({ path, name }) => {
      const { describeModel } = await import('../model-files/list.ts');
      return describeModel(path, name);
    },
    'models/download': async (params, signal) => {
      const [{ downloadModel }, { requireSupported }] = await Promise.all([
        import('../hub/download.ts'),
        import('../models/registry.ts'),
      ]);
      const progress = progressOf(params);
      const path = await downloadModel(params.name, {
        revision: params.revision,
        endpoint,
        token,
        cacheFolder,
        signal,
        // A model of another kind is refused before its weights come.
        checkConfig: (config) => requireSupported(config, params.name),
        onProgress: ({ file, done, total }) => progress(file, done, total),
      });
      return { path };
    },
    'comparison/run': async ({ key, progress_token: token, ...asked }, signal) => {
      const { runComparison } = await import('./comparison.ts');
      const interrupt = new AbortController();
      comparisons.set(key, interrupt);
      try {
        return await runComparison(asked, {
          cacheFolder,
          signal: AbortSignal.any([interrupt.signal, signal]),
          estimate: (source) => hosts.aside('run/estimate', { source, cacheFolder }, interrupt.signal),
          tell: (part) => {
            if (token !== undefined) tell('answer/part', { token, part });
          },
          note: (message) => tell('log', { level: 'info', message }),
        });
      } finally {
        comparisons.delete(key);
      }
    },
    'comparison/interrupt': ({ key }) => {
      comparisons.get(key)?.abort();
      return null;
    },
    backends: async ({ measure: measured }) => {
      const { backendStatus } = await import('../tensor/executors/status.ts');
      return backendStatus(measured);
    },
    shutdown: () => {
      hosts.dispose();
      prompts?.dispose();
      end();
      return null;
    },
  };
}

async function readRecipe(source: RecipeSource): Promise<LoadedRecipe> {
  return await (await import('../recipes/recipe.ts')).readRecipe(source);
}
