import * as vscode from 'vscode';
import { SETTINGS, type SettingName, type SettingValue } from './ids.ts';

/** A setting's value, its default where package.json's is overridden by something of the wrong kind. */
export function setting<K extends SettingName>(name: K): SettingValue<K> {
  const value = vscode.workspace.getConfiguration().get<unknown>(name);
  const fallback = SETTINGS[name];
  const fits = Array.isArray(fallback)
    ? Array.isArray(value) && value.every((item) => typeof item === 'string')
    : typeof value === typeof fallback;
  return (fits ? value : fallback) as SettingValue<K>;
}

/** Saves a setting where it already has a value, else for the user. */
export async function saveSetting<K extends SettingName>(name: K, value: SettingValue<K>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const { workspaceValue } = configuration.inspect(name) ?? {};
  await configuration.update(
    name,
    value,
    workspaceValue === undefined ? vscode.ConfigurationTarget.Global : vscode.ConfigurationTarget.Workspace,
  );
}
