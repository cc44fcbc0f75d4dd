/**
 * Environment for a program that we start: this process's, less what would change how a Node behaves
 * (NODE_OPTIONS, ELECTRON_*) and what belongs to the editor (VSCODE_*), plus `extra`.
 */
export function childEnvironment(
  base: NodeJS.ProcessEnv,
  extra: Record<string, string | undefined> = {},
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    const upper = name.toUpperCase();
    if (value === undefined) continue;
    if (upper === 'NODE_OPTIONS' || upper === 'NODE_PATH') continue;
    if (upper.startsWith('VSCODE_') || upper.startsWith('ELECTRON_')) continue;
    environment[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) if (value !== undefined) environment[name] = value;
  return environment;
}
