import type { Pooling } from '../../protocol/index.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import type { TaskSettings } from './task.ts';

/** Key of config.json under which a model says what of ours no other library asks for; these pass over it. */
export const OWN_KEY = 'luthier';

/** What of `how` a model's folder keeps. */
export const keptSettings = ({ threshold, label_separator, label_columns }: TaskSettings): TaskSettings => ({
  ...(threshold !== undefined && { threshold }),
  ...(label_separator !== undefined && { label_separator }),
  ...(label_columns !== undefined && { label_columns }),
});

/** What a model's folder says of how it answers and how its data are written; nothing of what is not as it should be. */
export function settingsOf(config: ModelConfig): TaskSettings {
  const entry = (config[OWN_KEY] ?? {}) as Record<string, unknown>;
  const { threshold, label_separator, label_columns } = entry;
  const isShare = typeof threshold === 'number' && threshold >= 0 && threshold <= 1;
  const isList = Array.isArray(label_columns) && label_columns.every((name) => typeof name === 'string');
  return keptSettings({
    ...(isShare && { threshold }),
    ...(typeof label_separator === 'string' && label_separator !== '' && { label_separator }),
    ...(isList && { label_columns: label_columns as string[] }),
  });
}

/** How a model's folder says that it reads a text, where a run made it so: not by the first token through a trained pooler. */
export function poolingOfModel(config: ModelConfig): Exclude<Pooling, 'pooler'> | undefined {
  const { pooling } = (config[OWN_KEY] ?? {}) as { pooling?: unknown };
  return pooling === 'mean' || pooling === 'cls' ? pooling : undefined;
}
