import type * as vscode from 'vscode';

/** So long after its lines were made a view has them: those under others are asked for one after another. */
const SETTLED_MS = 1000;
/** A view that is not seen asks for no lines; one that is does, on a busy machine after seconds. */
const ASKED_MS = 10_000;

/** Whether VS Code may be drawing a tree: from when it is told to until it has asked for the lines, and a little more. */
export class Drawing<T> {
  private readonly told = new Set<T | undefined>();
  private toldAt = Number.NEGATIVE_INFINITY;
  private madeAt = Number.NEGATIVE_INFINITY;

  /** VS Code is told to draw what is under `node`, or the whole tree. */
  begin(node: T | undefined): void {
    this.told.add(node);
    this.toldAt = performance.now();
  }

  /** It has asked for what is under `node`, and gets it now. */
  made(node: T | undefined): void {
    if (node === undefined) this.told.clear();
    else this.told.delete(node);
    this.madeAt = performance.now();
  }

  get mayBe(): boolean {
    const now = performance.now();
    return now - this.madeAt < SETTLED_MS || (this.told.size > 0 && now - this.toldAt < ASKED_MS);
  }
}

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
