import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import { type Choice, Questions, separator } from '../questions.ts';
import { baseChoice, listBases } from '../views/base-choices.ts';
import { type BaseTried, describeTried, requireAnswers, writes } from '../views/tried.ts';
import { downloadModel, pickFolder } from './models.ts';
import { requireTrust } from './select.ts';

type Answer = BaseTried | 'folder' | 'download';

/** Asks a base model as it is: one that writes in the chat's page, any other in that of Try Model. */
export async function tryBaseModel(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  await luthier.load();
  const { service } = luthier.engine;
  const named = args[0] instanceof vscode.Uri ? args[0].fsPath : undefined;
  const tried = named === undefined ? await chooseBase(luthier) : { path: named, name: basename(named) };
  const { answers } = await describeTried(service, tried);
  if (writes(answers)) luthier.chats.show(tried);
  else luthier.tryouts.show(tried);
  luthier.achieved('tried');
}

async function chooseBase(luthier: Luthier): Promise<BaseTried> {
  const { service } = luthier.engine;
  const questions = new Questions('Try Base Model');
  try {
    const models = await questions.work('Looking for models…', (signal) => listBases(service, signal));
    const group = (title: string, isIn: (model: (typeof models)[number]) => boolean): Choice<Answer>[] => {
      const items = models.filter(isIn).map(baseChoice);
      return items.length > 0 ? [separator(title), ...items] : [];
    };
    const answer = (await questions.ask<Answer>({
      placeholder: 'Which base model do you want to try?',
      items: [
        ...group('Answer as they are', ({ answers }) => answers !== null),
        ...group('Have to be fine-tuned first', ({ answers }) => answers === null),
        separator('Others'),
        { label: '$(folder-opened) Choose a folder…', value: 'folder' },
        { label: '$(cloud-download) Download from Hugging Face by name…', value: 'download' },
      ],
    })) as Answer;
    if (typeof answer === 'object') {
      const model = models.find(({ path }) => path === answer.path);
      if (model) requireAnswers(model);
      return answer;
    }
    if (answer === 'folder') {
      const path = await pickFolder();
      return { path, name: basename(path) };
    }
  } finally {
    questions.dispose();
  }
  const name = await downloadModel(luthier);
  const found = (await listBases(service)).find((model) => model.source === 'cache' && model.name === name);
  if (!found) throw new Cancelled();
  return { path: found.path, name };
}
