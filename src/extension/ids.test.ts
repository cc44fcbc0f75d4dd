import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RUN_STATES as states } from '../protocol/index.ts';
import {
  COMMANDS,
  CONTEXT_KEYS,
  DATASET_KINDS,
  INTERNAL_COMMANDS,
  PANELS,
  RECIPE_SCHEMA,
  RECIPE_SUFFIX,
  RESTRICTED_SETTINGS,
  RUN_TRAITS,
  SETTINGS,
  TREE_ITEMS,
  VIEW_CONTAINER,
  VIEWS,
  WALKTHROUGHS,
} from './ids.ts';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { contributes } = manifest;
const commandIds: string[] = Object.values(COMMANDS);
const viewIds: string[] = Object.values(VIEWS);

interface Placed {
  command: string;
  when?: string;
  where: string;
}

const placed: Placed[] = [
  ...Object.entries(contributes.menus as Record<string, Placed[]>).flatMap(([where, items]) =>
    items.map((item) => ({ ...item, where })),
  ),
  ...contributes.keybindings.map((item: Placed) => ({ ...item, where: 'keybindings' })),
];

/** Every clause that decides whether something shows or works. */
const clauses: { clause: string; where: string }[] = [
  ...placed
    .filter((item) => item.when)
    .map((item) => ({ clause: item.when!, where: `${item.where}: ${item.command}` })),
  ...contributes.commands
    .filter((command: { enablement?: string }) => command.enablement)
    .map((command: { command: string; enablement: string }) => ({
      clause: command.enablement,
      where: command.command,
    })),
  ...contributes.viewsWelcome
    .filter((view: { when?: string }) => view.when)
    .map((view: { view: string; when: string }) => ({ clause: view.when, where: view.view })),
];

test('commands of package.json and of the code are the same', () => {
  expect(contributes.commands.map(({ command }: { command: string }) => command).sort()).toEqual(
    [...commandIds].sort(),
  );
  for (const command of contributes.commands) {
    expect(command.title, command.command).toBeTruthy();
    expect(command.category).toBe('Luthier');
  }
});

test('internal commands are offered nowhere', () => {
  for (const id of Object.values(INTERNAL_COMMANDS)) expect(JSON.stringify(contributes)).not.toContain(id);
});

test('menus, keys and links name commands that exist', () => {
  for (const item of placed) expect(commandIds, item.where).toContain(item.command);
  const texts = JSON.stringify([contributes.viewsWelcome, contributes.walkthroughs]);
  const links = [...texts.matchAll(/command:(luthier\.[\w.]+)/g)].map((match) => match[1]!);
  expect(links.length).toBeGreaterThan(4);
  for (const link of links) expect(commandIds).toContain(link);
});

test('every command of a tree item can be reached from the palette or a menu', () => {
  const hidden = placed.filter((item) => item.where === 'commandPalette' && item.when === 'false');
  for (const { command } of hidden) {
    expect(placed.some((item) => item.command === command && item.where === 'view/item/context')).toBe(true);
  }
});

/** What can be asked for in any window: these find or ask for what they need, or need nothing. */
const ALWAYS_OFFERED = [
  'fineTuneSelection',
  'fineTuneFiles',
  'addDataset',
  'startRun',
  'crossValidate',
  'findLearningRate',
  'tryExample',
  'refresh',
  'chooseModel',
  'tryBaseModel',
  'selectBackend',
  'showLog',
  'reportProblem',
  'restartEngine',
  'setHuggingFaceToken',
  'setEndpointKey',
  'newPromptTemplate',
  'openPromptingGuide',
  'completionsMenu',
  'suggestCompletions',
  'chooseCompletionModel',
  'showCompletionCounts',
  'learnFromCompletions',
  'reviewLearned',
  'showRunsTable',
  'updateModel',
  'openWalkthrough',
  'openCompletionsWalkthrough',
] satisfies (keyof typeof COMMANDS)[];

test('the palette offers a command only where it can do something', () => {
  const palette = placed.filter((item) => item.where === 'commandPalette');
  const conditions = new Map(palette.map(({ command, when }) => [command, when]));
  expect(conditions.size).toBe(palette.length);
  for (const [name, id] of Object.entries(COMMANDS)) {
    const always = (ALWAYS_OFFERED as string[]).includes(name);
    expect(conditions.has(id), id).toBe(!always);
  }
  const needs: [keyof typeof COMMANDS, string][] = [
    ['tryModel', CONTEXT_KEYS.hasModels],
    ['evaluateOnFile', CONTEXT_KEYS.hasModels],
    ['predictOnFile', CONTEXT_KEYS.hasModels],
    ['exportRun', CONTEXT_KEYS.hasModels],
    ['useForCompletions', CONTEXT_KEYS.hasWriters],
    ['compareRuns', CONTEXT_KEYS.hasSeveralRuns],
    ['openDashboard', CONTEXT_KEYS.hasRuns],
    ['pauseRun', CONTEXT_KEYS.training],
    ['resumeRun', CONTEXT_KEYS.hasResumable],
    ['cleanUpRuns', CONTEXT_KEYS.hasFinished],
    ['removeDataset', CONTEXT_KEYS.hasOwnDatasets],
  ];
  for (const [name, key] of needs) expect(conditions.get(COMMANDS[name]), name).toContain(key);
});

test('views, container, panels and welcome texts agree', () => {
  expect(contributes.viewsContainers.activitybar.map(({ id }: { id: string }) => id)).toEqual([VIEW_CONTAINER]);
  expect(contributes.views[VIEW_CONTAINER].map(({ id }: { id: string }) => id).sort()).toEqual([...viewIds].sort());
  for (const { view } of contributes.viewsWelcome) expect(viewIds).toContain(view);
  const panels = manifest.activationEvents
    .filter((event: string) => event.startsWith('onWebviewPanel:'))
    .map((event: string) => event.slice('onWebviewPanel:'.length));
  expect(panels.sort()).toEqual(Object.values(PANELS).sort());
});

test('menus of several selected items show what is done to several', () => {
  const several = ['pauseRun', 'resumeRun', 'stopRun', 'deleteRun', 'compareRuns', 'tagRun', 'removeDataset'];
  const shown = placed.filter(
    ({ where, when }) => where === 'view/item/context' && !when?.includes('!listMultiSelection'),
  ) as (Placed & { group: string })[];
  // What stands on a line itself is about that line.
  const inMenus = shown.filter(({ group }) => !group.startsWith('inline')).map(({ command }) => command);
  expect([...new Set(inMenus)].sort()).toEqual(several.map((name) => `luthier.${name}`).sort());
});

interface Step {
  id: string;
  media: { svg: string; altText: string };
  completionEvents: string[];
}
const walkthroughs: { id: string; steps: Step[] }[] = contributes.walkthroughs;

test('the walkthroughs tick off what worked, not what was called', () => {
  const events = Object.fromEntries(
    walkthroughs.flatMap(({ steps }) => steps.map(({ id, completionEvents }) => [id, completionEvents])),
  );
  expect(events).toEqual({
    data: [`onContext:${CONTEXT_KEYS.brought}`],
    fineTune: [`onContext:${CONTEXT_KEYS.started}`],
    watch: [`onContext:${CONTEXT_KEYS.watched}`],
    try: [`onContext:${CONTEXT_KEYS.tried}`],
    prompt: [`onContext:${CONTEXT_KEYS.prompted}`],
    model: [`onContext:${CONTEXT_KEYS.completes}`],
    write: [`onContext:${CONTEXT_KEYS.suggested}`],
    accept: [`onContext:${CONTEXT_KEYS.accepted}`],
    files: [`onContext:${CONTEXT_KEYS.filesLearned}`],
    learn: [`onContext:${CONTEXT_KEYS.learns}`],
  });
});

test('activation is on demand', () => {
  // `onLanguage`: whoever chose a model for completions has them in any workspace, as soon as something is opened.
  for (const event of manifest.activationEvents)
    expect(event).toMatch(/^(workspaceContains:|onWebviewPanel:|onLanguage$)/);
});

test('settings, their defaults and what an untrusted workspace may not change agree', () => {
  const properties = contributes.configuration.properties as Record<
    string,
    { default: unknown; markdownDescription: string }
  >;
  const defaults = Object.fromEntries(Object.entries(properties).map(([name, { default: value }]) => [name, value]));
  expect(defaults).toEqual(SETTINGS);
  for (const [name, { markdownDescription }] of Object.entries(properties)) {
    expect(markdownDescription, name).toMatch(/\.$/);
  }
  expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toEqual(RESTRICTED_SETTINGS);
});

/** Keys that VS Code itself sets and that our clauses may read. */
const BUILT_IN = new Set([
  'view',
  'viewItem',
  'isWorkspaceTrusted',
  'resourceExtname',
  'resourceFilename',
  'resourceScheme',
  'explorerResourceIsFolder',
  'editorLangId',
  'editorTextFocus',
  'editorReadonly',
  'focusedView',
  'listFocus',
  'inputFocus',
  'listMultiSelection',
  'workspaceFolderCount',
  'false',
]);

/** What a clause compares with what: `key`, `!key`, `key == value`, `key =~ /regex/`. */
function terms(clause: string): { key: string; operator: string; value: string }[] {
  const found: { key: string; operator: string; value: string }[] = [];
  const pattern = /([A-Za-z][\w.]*)(?:\s*(==|!=|=~)\s*(\/(?:\\.|[^/\\])+\/\w*|[\w.]+))?/g;
  for (const match of clause.matchAll(pattern)) {
    found.push({ key: match[1]!, operator: match[2] ?? '', value: match[3] ?? '' });
  }
  return found;
}

const suffixes = ['', ...RUN_TRAITS.map((trait) => `.${trait}`), `.${RUN_TRAITS.join('.')}`];
const itemValues = [
  ...states.flatMap((state) => suffixes.map((suffix) => `${TREE_ITEMS.run}.${state}${suffix}`)),
  ...DATASET_KINDS.map((kind) => `${TREE_ITEMS.dataset}.${kind}`),
  TREE_ITEMS.runGroup,
  TREE_ITEMS.runSet,
  TREE_ITEMS.broken,
];

test.each(clauses)('$where reads only keys that somebody sets: $clause', ({ clause }) => {
  const ours: string[] = Object.values(CONTEXT_KEYS);
  const found = terms(clause);
  expect(found.length).toBeGreaterThan(0);
  for (const { key, operator, value } of found) {
    expect(BUILT_IN.has(key) || ours.includes(key), key).toBe(true);
    if (key === 'view' || key === 'focusedView') expect(viewIds).toContain(value);
    if (key !== 'viewItem') continue;
    if (operator === '=~') {
      const regex = new RegExp(value.slice(1, value.lastIndexOf('/')));
      expect(
        itemValues.some((item) => regex.test(item)),
        `${value} fits no tree item`,
      ).toBe(true);
      for (const state of value.match(/\(([a-z|]+)\)/)?.[1]?.split('|') ?? []) {
        expect([...states, ...DATASET_KINDS]).toContain(state);
      }
    } else expect(itemValues).toContain(value);
  }
});

test('context keys that the code sets are read by a clause or the walkthrough', () => {
  const all = `${clauses.map(({ clause }) => clause).join(' ')} ${JSON.stringify(contributes.walkthroughs)}`;
  for (const key of Object.values(CONTEXT_KEYS)) expect(all).toContain(key);
});

test('no other file of the extension spells an id of ours', () => {
  const folder = import.meta.dirname;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'ids.ts',
  );
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const ids = [...text.matchAll(/['"`](luthier\.[\w.]+)['"`]/g)].map((match) => match[1]!);
    // A setting's name is checked by the compiler wherever it stands; so is the prefix of a group of them.
    for (const id of ids) {
      const isSetting = Object.keys(SETTINGS).some((name) => name === id || name.startsWith(`${id}.`));
      expect(isSetting, `${file}: ${id}`).toBe(true);
    }
  }
});

test('the walkthroughs are whole: steps, pictures, alternative texts', () => {
  expect(walkthroughs.map(({ id, steps }) => ({ id, steps: steps.map((step) => step.id) }))).toEqual(
    Object.values(WALKTHROUGHS),
  );
  for (const { media } of walkthroughs.flatMap(({ steps }) => steps)) {
    expect(existsSync(join(root, media.svg)), media.svg).toBe(true);
    expect(media.altText).toBeTruthy();
  }
});

test('pictures and schema that package.json names are there', () => {
  expect(existsSync(join(root, manifest.icon))).toBe(true);
  const icons = [
    contributes.viewsContainers.activitybar[0].icon,
    ...contributes.views[VIEW_CONTAINER].map(({ icon }: { icon: string }) => icon),
  ];
  for (const icon of icons) expect(existsSync(join(root, icon)), icon).toBe(true);
  const [validation] = contributes.jsonValidation;
  expect(validation.fileMatch).toBe(`*${RECIPE_SUFFIX}`);
  expect(validation.url).toBe(RECIPE_SCHEMA);
  expect(existsSync(join(root, validation.url))).toBe(true);
});
