import * as vscode from 'vscode';
import type { Luthier } from './context.ts';
import { COMMANDS, STATUS_ITEM } from './ids.ts';
import { statusText } from './runs/present.ts';

/** Progress and time left of what trains; nothing at rest. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly luthier: Luthier;
  private readonly subscriptions: { dispose(): void }[];
  private due: NodeJS.Timeout | undefined;
  /** Folder of the run that a click opens. */
  private meant = '';

  constructor(luthier: Luthier) {
    this.luthier = luthier;
    this.item = vscode.window.createStatusBarItem(STATUS_ITEM, vscode.StatusBarAlignment.Left, 1);
    this.item.name = 'Luthier: training';
    this.item.tooltip = 'Open Dashboard';
    this.subscriptions = [
      luthier.runs.changed.on(() => this.drawSoon(0)),
      luthier.runs.events.on(({ event }) => {
        if (event.event === 'step') this.drawSoon(1000);
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.due);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.item.dispose();
  }

  private drawSoon(ms: number): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      this.draw();
    }, ms);
  }

  private draw(): void {
    const runs = this.luthier.runs.all();
    const waiting = runs.filter((run) => this.luthier.starter.position(run) !== null).length;
    const working = this.luthier.runs.working();
    const text = statusText(working, waiting);
    if (text === null) {
      this.item.hide();
      return;
    }
    const { folder } = working[0]!;
    if (folder !== this.meant) {
      this.meant = folder;
      this.item.command = { command: COMMANDS.openDashboard, title: 'Open Dashboard', arguments: [folder] };
    }
    if (text !== this.item.text) {
      this.item.text = text;
      this.item.accessibilityInformation = { label: text.replace(/\$\([^)]*\)/g, '').trim() };
    }
    this.item.show();
  }
}
