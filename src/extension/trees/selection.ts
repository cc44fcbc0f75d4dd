import type * as vscode from 'vscode';

/**
 * What is selected in a tree; of a view that is not seen nothing is meant. While VS Code draws the tree it knows of no
 * selection, so that is waited for.
 */
export async function selectedNodes<T>(
  view: Pick<vscode.TreeView<T>, 'visible' | 'selection'>,
  tree: { readonly mayBeDrawing: boolean },
): Promise<readonly T[]> {
  while (view.visible && view.selection.length === 0 && tree.mayBeDrawing)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return view.visible ? view.selection : [];
}

/** Whether a menu's command lost what it was about, because its line was drawn again just then: it gets `undefined`. */
export const lostNode = (args: readonly unknown[]): boolean => args.length > 0 && args[0] === undefined;
