import type * as vscode from 'vscode';
import { counted } from '../../protocol/index.ts';
import type { PromptVote } from '../../protocol/prompt-page.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { confirm } from '../ui.ts';

/** More than anybody casts; the oldest go first. */
const MOST_VOTES = 2_000;

/** Votes on answers of one template, kept with the workspace: choices and fingerprints, none of the texts. */
export class Votes {
  private readonly template: vscode.Uri;
  private readonly memento: vscode.Memento;

  constructor(template: vscode.Uri, memento: vscode.Memento) {
    this.template = template;
    this.memento = memento;
  }

  all(): PromptVote[] {
    return this.kept()[this.template.toString()] ?? [];
  }

  async keep(votes: readonly PromptVote[]): Promise<void> {
    const { [this.template.toString()]: _, ...others } = this.kept();
    const newest = votes.slice(-MOST_VOTES);
    await this.memento.update(MEMENTO_KEYS.templateVotes, {
      ...others,
      ...(newest.length > 0 && { [this.template.toString()]: newest }),
    });
  }

  /** Takes them all out, once a person has said so. Throws Cancelled. */
  async clear(): Promise<void> {
    const name = this.template.path.split('/').at(-1);
    const votes = counted(this.all().length, 'vote');
    const detail = 'Those on other models and on earlier texts of the template, too. They cannot be brought back.';
    await confirm(`Clear ${votes} on ${name}?`, detail, 'Clear Votes');
    await this.keep([]);
  }

  private kept(): Record<string, PromptVote[]> {
    return this.memento.get<Record<string, PromptVote[]>>(MEMENTO_KEYS.templateVotes) ?? {};
  }
}
