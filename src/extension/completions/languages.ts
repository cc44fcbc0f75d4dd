import * as vscode from 'vscode';

interface Contributed {
  id?: unknown;
  aliases?: unknown;
}

let names: Map<string, string> | null = null;

/** A language as VS Code shows it (`Markdown` for `markdown`); its id where no extension names it. */
export function languageName(id: string): string {
  names ??= readNames();
  return names.get(id) ?? id;
}

function readNames(): Map<string, string> {
  const found = new Map<string, string>([['plaintext', 'Plain Text']]);
  for (const { packageJSON } of vscode.extensions.all) {
    const languages: unknown = packageJSON?.contributes?.languages;
    for (const { id, aliases } of Array.isArray(languages) ? (languages as Contributed[]) : []) {
      const [name] = Array.isArray(aliases) ? aliases : [];
      if (typeof id === 'string' && typeof name === 'string' && !found.has(id)) found.set(id, name);
    }
  }
  return found;
}
