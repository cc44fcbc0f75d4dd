import { join } from 'node:path';
import * as vscode from 'vscode';
import { FEWEST_ACCEPTED } from '../../completions/learned.ts';
import { HOME } from '../../guard/index.ts';
import { counted } from '../../protocol/index.ts';
import { inWords } from '../completions/choose.ts';
import type { Luthier } from '../context.ts';
import { HostError } from '../errors.ts';
import { choose, Questions } from '../questions.ts';
import { askFolder, FilesFlow, nothingFound } from './fine-tune-files.ts';
import { requireTrust } from './select.ts';
import { startRecipe } from './start.ts';

const TITLE = 'Update My Model';

/**
 * Fine-tunes the model that completes on what was accepted of its suggestions, and the workspace's files. When the run has
 * ended, `Updates` compares the two and switches if the new one is better.
 */
export async function updateModel(luthier: Luthier): Promise<void> {
  requireTrust();
  const { state, learning, updates } = luthier.completions;
  await state.ready();
  await learning.flush();
  await requireAccepted(luthier);
  const model = await askModel(luthier);
  const folder = await askFolder();
  const questions = new Questions(TITLE);
  try {
    const found = await questions.work('Looking through your files…', (signal) =>
      luthier.engine.service.request('files/survey', { folder }, { signal }),
    );
    if (found.languages.length === 0) throw nothingFound(folder, found);
    const project = await luthier.homes.projectFor(vscode.Uri.file(folder));
    const path = await new FilesFlow(luthier, questions, folder, project, found, {
      // A starter goes by its name: its folder has another one with each version of Luthier.
      model,
      name: luthier.completions.models.nameOf(model),
      completions: learning.store.file,
    }).play();
    questions.dispose();
    if (path) await startRecipe(luthier, path, join(project, HOME), { onCreated: (run) => updates.begin(run, model) });
  } finally {
    questions.dispose();
  }
}

/** @throws HostError where too little was accepted, before anything is asked */
async function requireAccepted({ completions: { learning } }: Luthier): Promise<void> {
  const { rows } = await learning.store.read();
  const accepted = rows.filter(({ outcome }) => outcome !== 'rejected').length;
  if (accepted >= FEWEST_ACCEPTED) return;
  const kept =
    accepted === 0
      ? 'No completions that you accepted are kept'
      : `${counted(accepted, 'completion')} that you accepted ${accepted === 1 ? 'is' : 'are'} kept`;
  if (!learning.isOn)
    throw new HostError(
      'usage',
      `${kept}, and learning from them is off. An update takes ${FEWEST_ACCEPTED}.`,
      'Turn on Learn from My Completions.',
      ['learnFromCompletions'],
    );
  throw new HostError(
    'usage',
    `${kept} so far; an update takes ${FEWEST_ACCEPTED}.`,
    'Go on writing with completions, then try again.',
    ['reviewLearned'],
  );
}

/** The model that completes; of several the one that is meant. */
async function askModel({ completions: { models } }: Luthier): Promise<string> {
  const chosen = [...new Set(Object.values(models.choices))];
  const [only] = chosen;
  if (only === undefined)
    throw new HostError('usage', 'No model completes yet, so there is none to update.', 'Choose a model first.', [
      'chooseCompletionModel',
    ]);
  if (chosen.length === 1) return only;
  return await choose<string>({
    title: TITLE,
    placeholder: 'Which model should be updated?',
    items: chosen.map((model) => ({
      label: models.nameOf(model),
      description: Object.entries(models.choices)
        .flatMap(([language, one]) => (one === model ? [inWords(language)] : []))
        .join(', '),
      value: model,
    })),
  });
}
