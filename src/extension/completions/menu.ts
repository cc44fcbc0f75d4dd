import * as vscode from 'vscode';
import { counted } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { COMMANDS } from '../ids.ts';
import { type Choice, choose, separator } from '../questions.ts';
import { saveSetting, setting } from '../settings.ts';
import { chooseModelFor } from './choose.ts';
import { dayOf } from './counts.ts';
import { languageName } from './languages.ts';
import { ALL_LANGUAGES } from './models.ts';

type Step = () => Promise<unknown>;

/** What the status bar's item opens: all of completions' switches. */
export async function openMenu(luthier: Luthier): Promise<void> {
  const { completions } = luthier;
  await completions.state.ready();
  const document = vscode.window.activeTextEditor?.document;
  const whyNot = document ? await completions.gate.whyNot(document) : null;
  const items = await menuItems(luthier, document?.languageId);
  const step = await choose<Step>({
    title: 'Completions',
    placeholder: whyNot?.text ?? 'Suggestions of your own model while you write',
    items,
    active: items.find(({ value }) => value !== undefined),
  });
  await step();
}

async function menuItems(luthier: Luthier, language: string | undefined): Promise<Choice<Step>[]> {
  const { models, state, learning } = luthier.completions;
  const items: Choice<Step>[] = [];
  const isOn = setting('luthier.completions.enabled');
  const languages = setting('luthier.completions.languages');
  items.push(
    isOn
      ? { label: '$(circle-slash) Turn Off', value: () => saveSetting('luthier.completions.enabled', false) }
      : { label: '$(check) Turn On', value: () => saveSetting('luthier.completions.enabled', true) },
  );
  if (language !== undefined && isOn) {
    const isIn = languages.includes(language);
    const next = isIn ? languages.filter((one) => one !== language) : [...languages, language];
    items.push({
      label: `${isIn ? '$(circle-slash) Turn Off' : '$(check) Turn On'} for ${languageName(language)}`,
      value: () => saveSetting('luthier.completions.languages', next),
    });
  }
  const isSnoozed = state.now.snoozedUntil > Date.now();
  if (isOn && isSnoozed) items.push({ label: '$(bell) End Snooze', value: () => luthier.completions.snooze(0) });
  else if (isOn)
    items.push(
      { label: '$(bell-slash) Snooze for 5 Minutes', value: () => luthier.completions.snooze(5) },
      { label: '$(bell-slash) Snooze for 1 Hour', value: () => luthier.completions.snooze(60) },
    );
  items.push(separator('Model'));
  const chosen = language === undefined ? null : models.chosen(language);
  const trouble = language === undefined ? null : models.troubleOf(language);
  if (language !== undefined && trouble)
    items.push({
      label: `$(refresh) Try ${models.nameOf(trouble.model)} Again`,
      detail: trouble.message,
      value: () => models.switchOn(language),
    });
  const rest = models.choices[ALL_LANGUAGES];
  items.push({
    label: '$(hubot) Choose Model…',
    description:
      language !== undefined && chosen !== null
        ? `${languageName(language)}: ${models.nameOf(chosen)}`
        : rest === undefined
          ? 'none yet'
          : models.nameOf(rest),
    value: () => chooseModelFor(luthier, language),
  });
  const { previous } = models;
  if (previous)
    items.push({
      label: '$(discard) Undo the Last Change of Models',
      description: describe(luthier, previous.models, language),
      value: () => models.rollback(),
    });
  items.push(
    separator('Learning'),
    {
      label: '$(mortar-board) Learn from My Completions…',
      description: learning.isOn ? 'on' : 'off',
      value: () => run(COMMANDS.learnFromCompletions),
    },
    {
      label: '$(sync) Update My Model…',
      description: 'learns from what you accepted',
      value: () => run(COMMANDS.updateModel),
    },
  );
  const { outcome } = state.now;
  // Its notification may have gone by unseen.
  if (outcome)
    items.push({
      label: `$(history) Last Update: ${outcome.name}`,
      detail: outcome.text,
      value: () => run(COMMANDS.openDashboard, outcome.run),
    });
  items.push(
    separator('More'),
    {
      label: '$(graph) Show Counts',
      description: await today(luthier),
      value: () => run(COMMANDS.showCompletionCounts),
    },
    { label: '$(book) Get Started with Completions', value: () => run(COMMANDS.openCompletionsWalkthrough) },
    {
      label: '$(gear) Settings',
      value: () => run('workbench.action.openSettings', 'luthier.completions'),
    },
  );
  return items;
}

const run = async (command: string, ...args: unknown[]): Promise<unknown> =>
  await vscode.commands.executeCommand(command, ...args);

function describe({ completions: { models } }: Luthier, before: Readonly<Record<string, string>>, language?: string) {
  const own = language !== undefined && Object.hasOwn(before, language) ? before[language] : undefined;
  const model = own ?? before[ALL_LANGUAGES];
  return model === undefined ? 'no model' : models.nameOf(model);
}

/** What was counted today, in all languages. */
async function today({ completions }: Luthier): Promise<string> {
  const now = dayOf(new Date());
  const lines = (await completions.counts.all()).filter(({ day }) => day === now);
  const shown = lines.reduce((sum, line) => sum + line.shown, 0);
  const accepted = lines.reduce((sum, line) => sum + line.accepted + line.partly, 0);
  return shown === 0 ? 'none shown today' : `today: ${counted(shown, 'suggestion')} shown, ${accepted} accepted`;
}
