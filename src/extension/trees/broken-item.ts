import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Broken } from '../../files/broken.ts';
import { TREE_ITEMS } from '../ids.ts';

/** The line of what cannot be read: its name, why, and in its menu *Reveal* and *Remove…*. */
export function brokenItem({ path, problem }: Broken): vscode.TreeItem {
  const item = new vscode.TreeItem(basename(path));
  item.id = `broken:${path}`;
  item.description = problem;
  item.tooltip = `${path}\n${problem}`;
  item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = TREE_ITEMS.broken;
  item.accessibilityInformation = { label: `${basename(path)}, cannot be read: ${problem}` };
  return item;
}
