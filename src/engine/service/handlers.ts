import { dirname, resolve } from 'node:path';
import {
  isFoldCount,
  MOST_FOLDS,
  type Progressing,
  type RecipeSource,
  type ServiceNotifications,
  type ServiceRequests,
} from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import type { Predictor } from '../infer/predictor.ts';
import type { Handlers } from '../rpc.ts';
import type { RecipeChecker } from '../train/check-recipe.ts';
import type { LoadedRecipe } from '../train/recipe.ts';
import { VERSION } from '../version.ts';

export interface Settings {
  tell: <K extends keyof ServiceNotifications>(method: K, params: ServiceNotifications[K]) => void;
  /** Ends the process once the answer is sent. */
  end: () => void;
}

/** What each request does. Code is loaded when it is first needed: most windows never predict. */
export function createHandlers({ tell, end }: Settings): Handlers<ServiceRequests> {
  let token: string | undefined;
  let cacheFolder: string | undefined;
  let endpoint: string | undefined;
  let gflops: Promise<number> | null = null;
  const predictors = new PredictorCache();
  let checker: RecipeChecker | null = null;

  const progressOf =
    ({ progress_token }: Progressing) =>
    (message: string, done: number, total: number | null) => {
      if (progress_token !== undefined) tell('progress', { token: progress_token, message, done, total });
    };
  const log = (level: ServiceNotifications['log']['level'], message: string) => tell('log', { level, message });

  return {
    initialize: (params) => {
      token = params.hugging_face_token;
      cacheFolder = params.cache_folder;
      endpoint = params.endpoint;
      return { version: VERSION, node: process.version, pid: process.pid };
    },
    'data/inspect': async (params, signal) => {
      const { inspectData } = await import('../data/inspect.ts');
      const progress = progressOf(params);
      return inspectData({ ...params, onProgress: (done, total) => progress('bytes', done, total), signal });
    },
    'data/create': async (params, signal) => {
      const { createDataset } = await import('../data/store.ts');
      return createDataset({ ...params, signal });
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
      const { listRows } = await import('../data/rows.ts');
      return listRows({ ...params, signal });
    },
    'data/locate': async (params, signal) => {
      const { locateRow } = await import('../data/rows.ts');
      return locateRow({ ...params, signal });
    },
    'recipe/resolve': async (source) => {
      const { recipe, base } = await readRecipe(source);
      return { recipe, base };
    },
    'recipe/check': async ({ text, base }, signal) => {
      checker ??= new (await import('../train/check-recipe.ts')).RecipeChecker();
      return { problems: await checker.check({ text, base, cacheFolder, signal }) };
    },
    'recipe/reads': async ({ roots, ...source }) => {
      const { readsOutside } = await import('../runs/outside.ts');
      return { outside: await readsOutside(await readRecipe(source), roots) };
    },
    'run/create': async (params) => {
      const { folds } = params;
      if (folds !== undefined && !isFoldCount(folds.count)) {
        throw new LuthierError(
          'usage',
          `Rows cannot be divided into ${folds.count} folds.`,
          `Choose a whole number from 2 to ${MOST_FOLDS}.`,
        );
      }
      const { createRun } = await import('../runs/folder.ts');
      const { folder, record } = await createRun({
        ...(await readRecipe(params)),
        luthierFolder: params.folder,
        state: 'queued',
        folds: folds && { count: folds.count, final: folds.final },
        ...(params.name === undefined ? {} : { name: params.name }),
      });
      return { path: folder, record };
    },
    'run/estimate': async (source, signal) => {
      const { recipe, base } = await readRecipe(source);
      const { estimateRun } = await import('../train/estimate-run.ts');
      gflops ??= measure();
      return estimateRun({ recipe, base, gflops: await gflops, cacheFolder, signal });
    },
    'run/cell': async (params, signal) => {
      const { cellRows } = await import('../runs/cell-rows.ts');
      return predictors.use(params.run, (predictor) => cellRows(params, predictor, signal));
    },
    'run/compare': async ({ runs, limit }, signal) => {
      const { compareRuns } = await import('../runs/compare-runs.ts');
      return compareRuns({ runs, limit, use: (run, work) => predictors.use(run, work), signal });
    },
    predict: async ({ model, texts, pairs }, signal) => {
      const { splitPair } = await import('../data/pair.ts');
      return predictors.use(model, async (predictor) => {
        const isPair = pairs ?? predictor.inputs?.length === 2;
        const inputs = texts.map((text) => {
          if (typeof text !== 'string' || !isPair) return text;
          const pair = splitPair(text);
          return pair.text_pair === undefined ? text : { text: pair.text, text_pair: pair.text_pair };
        });
        const predictions = await predictor.predict(inputs, undefined, signal);
        // Whoever asked finds the answer to a line by the line.
        return predictions.map((prediction, i) => {
          const asked = texts[i]!;
          return typeof asked === 'string' ? { ...prediction, text: asked } : prediction;
        });
      });
    },
    evaluate: async (params, signal) => {
      const { evaluateModel } = await import('../infer/evaluate-model.ts');
      const progress = progressOf(params);
      return predictors.use(params.model, (model) =>
        evaluateModel({
          model,
          data: params.data,
          base: baseOf(params.data),
          columns: params.columns,
          encoding: params.encoding,
          split: params.split,
          note: log,
          onProgress: (done, total) => progress('rows', done, total),
          signal,
        }),
      );
    },
    export: async (params) => {
      const [{ exportModel }, { findModel }] = await Promise.all([
        import('../runs/export.ts'),
        import('../runs/target.ts'),
      ]);
      const progress = progressOf(params);
      progress(params.format, 0, null);
      const { path } = await findModel(params.run, process.cwd());
      return exportModel(path, params.format, params.out);
    },
    'models/list': async ({ folders }) => {
      const { listModels } = await import('../model-files/list.ts');
      return listModels(folders, cacheFolder);
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
    backends: async ({ measure: measured }) => {
      const { backendStatus } = await import('../executors/status.ts');
      return backendStatus(measured);
    },
    shutdown: () => {
      end();
      return null;
    },
  };
}

async function readRecipe(source: RecipeSource): Promise<LoadedRecipe> {
  const { loadRecipe, resolveRecipe } = await import('../train/recipe.ts');
  return 'recipe_path' in source ? loadRecipe(source.recipe_path) : resolveRecipe(source.recipe, source.base);
}

const baseOf = (data: string | { train: string }) => dirname(resolve(typeof data === 'string' ? data : data.train));

async function measure(): Promise<number> {
  const { measureMachine } = await import('../executors/status.ts');
  return measureMachine();
}

const MAX_IDLE = 2;

interface Loaded {
  path: string;
  predictor: Promise<Predictor>;
  users: number;
}

/** Models stay loaded for the next call: those in use, and the two that were used last. */
class PredictorCache {
  #loaded: Loaded[] = [];

  /** @param name a model's folder or name, or a run's */
  async use<T>(name: string, work: (predictor: Predictor) => Promise<T>): Promise<T> {
    const { findModel } = await import('../runs/target.ts');
    const { path } = await findModel(name, process.cwd());
    const known = this.#loaded.find((entry) => entry.path === path);
    const entry = known ?? { path, predictor: load(path), users: 0 };
    // The one used last goes to the end.
    this.#loaded = [...this.#loaded.filter((other) => other !== entry), entry];
    entry.users++;
    try {
      return await work(await entry.predictor);
    } catch (error) {
      // A model that failed to load may be whole at the next try.
      await entry.predictor.catch(() => {
        this.#loaded = this.#loaded.filter((other) => other !== entry);
      });
      throw error;
    } finally {
      entry.users--;
      this.#trim();
    }
  }

  #trim(): void {
    const idle = this.#loaded.filter((entry) => entry.users === 0);
    for (const entry of idle.slice(0, -MAX_IDLE)) {
      this.#loaded = this.#loaded.filter((other) => other !== entry);
      entry.predictor.then((predictor) => predictor.dispose()).catch(() => undefined);
    }
  }
}

async function load(path: string): Promise<Predictor> {
  const { createPredictor } = await import('../infer/predictor.ts');
  return createPredictor(path);
}
