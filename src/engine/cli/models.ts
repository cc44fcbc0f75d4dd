import { formatBytes, formatCompact, purposeOf } from '../../protocol/index.ts';
import { downloadModel } from '../hub/download.ts';
import { listModels as findModels } from '../model-files/list.ts';
import { requireSupported } from '../models/registry.ts';
import { languageNames } from '../text/language.ts';
import { EXIT, note, print, printJson, table, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';

export async function listModels({ json }: { json?: boolean }): Promise<number> {
  const models = await findModels([process.cwd()]);
  if (json) {
    for (const model of models) printJson(model);
    return EXIT.done;
  }
  if (models.length === 0) {
    note('No models found. Download one from the Hugging Face hub: luthier models download NAME');
    return EXIT.done;
  }
  const rows = models.map((model) => [
    model.name,
    model.source,
    model.model_type,
    formatCompact(model.num_parameters),
    formatBytes(model.bytes),
    model.languages === null ? '' : languageNames(model.languages),
    model.problem === null ? purposeOf(model) : 'cannot be used',
  ]);
  print(table(['model', 'from', 'type', 'parameters', 'size', 'language', 'for'], rows, [3, 4]));
  for (const { name, problem } of models) if (problem !== null) note(`${yellow('Warning:')} ${name}: ${problem}`);
  return EXIT.done;
}

export async function downloadByName(
  name: string,
  { revision, json }: { revision?: string; json?: boolean },
): Promise<number> {
  const progress = new ProgressLine('Downloading');
  const abort = new AbortController();
  const cancel = () => abort.abort();
  process.once('SIGINT', cancel);
  try {
    const path = await downloadModel(name, {
      revision,
      signal: abort.signal,
      onProgress: ({ done, total }) => progress.update(done, total),
      // A model of another kind is refused before its weights come.
      checkConfig: (config) => requireSupported(config, name),
    });
    progress.close();
    if (json) printJson({ name, path });
    else print(path);
    return EXIT.done;
  } finally {
    progress.close();
    process.off('SIGINT', cancel);
  }
}
