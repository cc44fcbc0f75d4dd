import type { ModelConfig } from '../hub/model-folder.ts';
import { OWN_KEY } from '../models/config.ts';
import type { TaskSettings } from './task.ts';

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
