import { FEWEST_ACCEPTED } from '../../completions/learned.ts';
import { counted } from '../../protocol/index.ts';
import { inWords } from '../completions/choose.ts';
import type { Luthier } from '../context.ts';
import { HostError } from '../errors.ts';
import { choose } from '../questions.ts';
import { learnFiles } from './fine-tune-files.ts';
import { requireTrust } from './select.ts';

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
  // A starter goes by its name: its folder has another one with each version of Luthier.
  const update = { model, name: luthier.completions.models.nameOf(model), completions: learning.store.file };
  await learnFiles(luthier, TITLE, update, (run) => updates.begin(run, model));
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
