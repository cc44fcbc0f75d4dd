import type { ModelConfig } from '../hub/model-folder.ts';
import { ownValue } from '../models/config.ts';
import type { TaskSettings } from './task.ts';

/** What of `how` a model's folder keeps. */
export const keptSettings = ({ threshold, label_separator, label_columns }: TaskSettings): TaskSettings => ({
  ...(threshold !== undefined && { threshold }),
  ...(label_separator !== undefined && { label_separator }),
  ...(label_columns !== undefined && { label_columns }),
});

/**
 * What a model's folder says of how it answers and how its data are written.
 * @throws LuthierError `model-invalid` where it says what cannot be
 */
export function settingsOf(config: ModelConfig): TaskSettings {
  const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  const isList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
  const threshold = ownValue(config, 'threshold', isShare, 'must be a number from 0 to 1');
  const label_separator = ownValue(config, 'label_separator', isText, 'must be a text');
  const label_columns = ownValue(config, 'label_columns', isList, 'must be a list of columns');
  return {
    ...(threshold !== undefined && { threshold }),
    ...(label_separator !== undefined && { label_separator }),
    ...(label_columns !== undefined && { label_columns }),
  };
}
