import { dirname, resolve } from 'node:path';
import type { Handlers } from '../../../files/rpc.ts';
import type { DatasetReference, Progressing } from '../../../protocol/index.ts';
import type { RowAnswerer } from '../../infer/predict-file.ts';
import { predictorOf } from '../../infer/predictor.ts';
import { type Computed, predictionsOf } from '../../model-files/eight-bit.ts';
import { openModel } from '../../model-files/open-model.ts';
import type { Tell } from '../stdio.ts';
import type { HostNotifications, HostRequests } from './wire.ts';

/**
 * What the process of one model answers, or that of estimates.
 * @param path the model's folder; it is loaded with the first question and stays so
 */
export function createHostHandlers(path: string, tell: Tell<HostNotifications>): Handlers<HostRequests> {
  const log = (level: HostNotifications['log']['level'], message: string) => tell('log', { level, message });
  const machineOf = loadedOnce(async () => (await import('../../tensor/executors/status.ts')).machineOnce());
  // One model in memory, whatever it is asked.
  const open = loadedOnce(() => openModel(path, 'auto', log));
  const model = loadedOnce(async () => predictorOf(await open(), { note: log }));
  const writer = loadedOnce(async () => (await import('../../infer/writer.ts')).shareWriter(path, open, log));
  const completer = loadedOnce(async () => {
    const [{ shareCompleter }, { yieldToEditor }] = await Promise.all([
      import('../../infer/completer.ts'),
      import('../../runs/priority.ts'),
    ]);
    yieldToEditor();
    return shareCompleter(path, open);
  });
  // What a model would read is known without its weights.
  const prompts = loadedOnce(async () => {
    const [{ readPromptModel }, { PromptRenderer }] = await Promise.all([
      import('../../infer/prompt-model.ts'),
      import('../../prompts/renderer.ts'),
    ]);
    return { model: await readPromptModel(path), renderer: new PromptRenderer() };
  });
  const partsOf =
    ({ progress_token: token }: Progressing) =>
    (done: number, total: number) => {
      if (token !== undefined) tell('answer/part', { token, part: { type: 'rows', done, total } });
    };
  const textsOf = (token: string | undefined) => (text: string, tokens: number) => {
    if (token !== undefined && text !== '') tell('answer/part', { token, part: { type: 'text', text, tokens } });
  };

  return {
    predict: async (params, signal) => {
      const { texts } = params;
      const predictor = await model();
      const part = partsOf(params);
      return predictor.predict(texts, (done) => part(done, texts.length), signal);
    },
    label: async ({ texts }, signal) => {
      // Rows as their run read them, through its template.
      const predictions = await (await model()).answer(texts, undefined, signal);
      return predictions.map(({ label }) => label);
    },
    generate: async ({ prompt, suffix, tools, settings, progress_token: token }, signal) => {
      const { answer } = await import('../../infer/answer.ts');
      return answer(await writer(), prompt, {
        ...{ suffix, tools, settings, signal, asTaught: true },
        onText: textsOf(token),
      });
    },
    'prompt/render': async (source, signal) => {
      const { renderPrompt } = await import('../../infer/prompt-model.ts');
      return (await renderPrompt(source, { ...(await prompts()), signal })).prompt;
    },
    'prompt/check': async (source, signal) => {
      const { checkWithEngine } = await import('../../infer/prompt-check.ts');
      return checkWithEngine(source, { ...(await prompts()), signal });
    },
    'prompt/run': async ({ settings, progress_token: token, ...source }, signal) => {
      const [{ runPrompt }, { openPrompt }] = await Promise.all([
        import('../../infer/prompt-run.ts'),
        import('../../prompts/prompt.ts'),
      ]);
      const opened = await openPrompt(source, { signal });
      const { renderer, model: known } = await prompts();
      const asked = { model: known, writer, predictor: model };
      return runPrompt(opened, source.row ?? null, source, asked, {
        renderer,
        settings,
        signal,
        onText: textsOf(token),
      });
    },
    'completion/complete': async (request, signal) => (await completer()).complete(request, signal),
    'completion/prepare': async (_, signal) => (await completer()).prepare(signal),
    'prompt/code': async ({ model_name: modelName, language, settings, ...source }, signal) => {
      const [{ codeOfPrompt }, { openPrompt }] = await Promise.all([
        import('../../infer/prompt-code.ts'),
        import('../../prompts/prompt.ts'),
      ]);
      const opened = await openPrompt(source, { signal });
      const options = { ...(await prompts()), modelName, language, settings, signal };
      return codeOfPrompt(opened, source.row ?? null, source, options);
    },
    'predict/file': async (params, signal) => {
      const { file, out, as, settings, float } = params;
      const { predictFile, rowsOfPredictor, rowsOfWriter } = await import('../../infer/predict-file.ts');
      const answered = async (rows: RowAnswerer) =>
        predictFile(rows, { file, out, signal, note: log, onProgress: partsOf(params) });
      if (as !== 'classes') return answered(rowsOfWriter(await writer(), settings, as === 'message'));
      const { eightBit, said }: Computed = float ? {} : await predictionsOf(await open());
      const predictor = eightBit ? predictorOf(await open(), { eightBit, note: log }) : await model();
      return { ...(await answered(rowsOfPredictor(predictor))), ...(said !== undefined && { computed: said }) };
    },
    evaluate: async (params, signal) => {
      const { data, columns, encoding, split } = params;
      const { evaluateModel } = await import('../../infer/evaluate-model.ts');
      return evaluateModel({
        model: await model(),
        ...{ data, columns, encoding, split, signal },
        base: baseOf(data),
        note: log,
        onProgress: partsOf(params),
      });
    },
    'files/collect': async (params, signal) => {
      const { collectFiles } = await import('../../collect/collect.ts');
      return collectFiles({ ...params, signal, onProgress: partsOf(params) });
    },
    'run/completions': async (params, signal) => {
      const { measureCompletions } = await import('../../runs/completions.ts');
      const { run, lines, cacheFolder } = params;
      return measureCompletions(run, { lines, cacheFolder, signal, note: log, onProgress: partsOf(params) });
    },
    'recipe/rates': async (params, signal) => {
      const { findRatesFor } = await import('../recipe-rates.ts');
      return findRatesFor(params.recipe_path, signal, log, partsOf(params));
    },
    'run/estimate': async ({ source, cacheFolder }, signal) => {
      const [{ estimateRun }, { readRecipe }, machine] = await Promise.all([
        import('../../train/estimate-run.ts'),
        import('../../recipes/recipe.ts'),
        machineOf(),
      ]);
      const { recipe, base } = await readRecipe(source);
      return estimateRun({ recipe, base, machine: await machine(recipe.backend), cacheFolder, signal });
    },
    'run/checkpoint': async ({ run }) => {
      const { checkpointModel } = await import('../../runs/checkpoint-model.ts');
      return checkpointModel(run);
    },
    'run/cell': async (params, signal) => {
      const { cellRows } = await import('../../runs/cell-rows.ts');
      return cellRows(params, await model(), signal);
    },
    export: async ({ format, out, progress_token: token }) => {
      if (token !== undefined) tell('progress', { token, message: format, done: 0, total: null });
      const { exportModel } = await import('../../runs/export.ts');
      return exportModel(path, format, out);
    },
  };
}

/** A model that failed to load may be whole at the next try. */
function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () => {
    const opened = loading ?? load();
    loading = opened;
    opened.catch(() => {
      if (loading === opened) loading = null;
    });
    return opened;
  };
}

const baseOf = (data: DatasetReference) => dirname(resolve(typeof data === 'string' ? data : data.train));
