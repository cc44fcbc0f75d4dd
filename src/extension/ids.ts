/**
 * Every id that package.json and the code must agree on. ids.test.ts checks the two against each other,
 * `when` clauses included, so a command, view, context key or setting exists in both or in neither.
 */

/** Commands by the name the code uses; the values are ids in package.json's `contributes.commands`. */
export const COMMANDS = {
  fineTuneSelection: 'luthier.fineTuneSelection',
  fineTuneDataset: 'luthier.fineTuneDataset',
  fineTuneFiles: 'luthier.fineTuneFiles',
  measureCompletions: 'luthier.measureCompletions',
  tryExample: 'luthier.tryExample',
  addDataset: 'luthier.addDataset',
  openDataset: 'luthier.openDataset',
  inspectDataset: 'luthier.inspectDataset',
  compareWays: 'luthier.compareWays',
  compareModels: 'luthier.compareModels',
  removeDataset: 'luthier.removeDataset',
  startRun: 'luthier.startRun',
  crossValidate: 'luthier.crossValidate',
  findLearningRate: 'luthier.findLearningRate',
  openDashboard: 'luthier.openDashboard',
  compareRuns: 'luthier.compareRuns',
  showRunsTable: 'luthier.showRunsTable',
  tryModel: 'luthier.tryModel',
  tryBaseModel: 'luthier.tryBaseModel',
  evaluateOnFile: 'luthier.evaluateOnFile',
  predictOnFile: 'luthier.predictOnFile',
  pauseRun: 'luthier.pauseRun',
  resumeRun: 'luthier.resumeRun',
  startNow: 'luthier.startNow',
  stopRun: 'luthier.stopRun',
  cancelRun: 'luthier.cancelRun',
  moveUpInQueue: 'luthier.moveUpInQueue',
  moveDownInQueue: 'luthier.moveDownInQueue',
  exportRun: 'luthier.exportRun',
  renameRun: 'luthier.renameRun',
  noteRun: 'luthier.noteRun',
  tagRun: 'luthier.tagRun',
  deleteRun: 'luthier.deleteRun',
  cleanUpRuns: 'luthier.cleanUpRuns',
  revealRun: 'luthier.revealRun',
  duplicateRecipe: 'luthier.duplicateRecipe',
  revealBroken: 'luthier.revealBroken',
  removeBroken: 'luthier.removeBroken',
  refresh: 'luthier.refresh',
  chooseModel: 'luthier.chooseModel',
  selectBackend: 'luthier.selectBackend',
  showLog: 'luthier.showLog',
  reportProblem: 'luthier.reportProblem',
  restartEngine: 'luthier.restartEngine',
  setHuggingFaceToken: 'luthier.setHuggingFaceToken',
  tryTemplate: 'luthier.tryTemplate',
  compareTemplate: 'luthier.compareTemplate',
  chooseTemplateModel: 'luthier.chooseTemplateModel',
  copyTemplateAsPython: 'luthier.copyTemplateAsPython',
  copyTemplateAsJavaScript: 'luthier.copyTemplateAsJavaScript',
  useTemplateInTraining: 'luthier.useTemplateInTraining',
  setEndpointKey: 'luthier.setEndpointKey',
  newPromptTemplate: 'luthier.newPromptTemplate',
  openPromptingGuide: 'luthier.openPromptingGuide',
  completionsMenu: 'luthier.completionsMenu',
  suggestCompletions: 'luthier.suggestCompletions',
  chooseCompletionModel: 'luthier.chooseCompletionModel',
  useForCompletions: 'luthier.useForCompletions',
  showCompletionCounts: 'luthier.showCompletionCounts',
  learnFromCompletions: 'luthier.learnFromCompletions',
  reviewLearned: 'luthier.reviewLearned',
  updateModel: 'luthier.updateModel',
  openWalkthrough: 'luthier.openWalkthrough',
  openCompletionsWalkthrough: 'luthier.openCompletionsWalkthrough',
} as const;

export type CommandName = keyof typeof COMMANDS;

/** Commands that only our own links and code actions run, with arguments that nobody could type: in no palette. */
export const INTERNAL_COMMANDS = {
  chooseInRecipe: 'luthier.chooseInRecipe',
  /** All of a suggestion was accepted. */
  completionAccepted: 'luthier.completionAccepted',
} as const;

export const VIEW_CONTAINER = 'luthier';

export const VIEWS = {
  datasets: 'luthier.datasets',
  runs: 'luthier.runs',
} as const;

/** Webview panels' view types. */
export const PANELS = {
  dashboard: 'luthier.dashboard',
  tryout: 'luthier.tryout',
  chat: 'luthier.chat',
  dataset: 'luthier.dataset',
  prompt: 'luthier.prompt',
  completions: 'luthier.completions',
  runs: 'luthier.runsTable',
  comparison: 'luthier.comparison',
} as const;

/** Walkthroughs, with their steps in order. */
export const WALKTHROUGHS = {
  gettingStarted: { id: 'luthier.gettingStarted', steps: ['data', 'fineTune', 'watch', 'try', 'prompt'] },
  completions: { id: 'luthier.gettingStartedWithCompletions', steps: ['model', 'write', 'accept', 'files', 'learn'] },
} as const;

/** Context keys that the code sets and `when` clauses read. */
export const CONTEXT_KEYS = {
  /** A run of this window's workspace trains, starts or is paused. */
  training: 'luthier.training',
  /** A run waits in line. */
  queued: 'luthier.queued',
  hasRuns: 'luthier.hasRuns',
  /** Two runs or more: what comparing takes. */
  hasSeveralRuns: 'luthier.hasSeveralRuns',
  /** A run has written a model. */
  hasModels: 'luthier.hasModels',
  /** A run has written a model that writes. */
  hasWriters: 'luthier.hasWriters',
  /** A run is paused, was interrupted, or failed after its start. */
  hasResumable: 'luthier.hasResumable',
  /** A run has ended and may be cleaned up. */
  hasFinished: 'luthier.hasFinished',
  hasDatasets: 'luthier.hasDatasets',
  /** A dataset that Luthier made, or a file that was added by hand: one that can be removed. */
  hasOwnDatasets: 'luthier.hasOwnDatasets',
  /** The first scan for datasets is over, so that the welcome text does not flash. */
  scanned: 'luthier.scanned',
  /** The editor in front has a prompt template, and no prompt file of VS Code's own. */
  template: 'luthier.template',
  /**
   * What the first walkthrough ticks off: there are datasets, a run was made, a dashboard was seen, a model was tried, a
   * template written. These keys and the next are true for a moment (achievements.ts), so no clause can read them.
   */
  brought: 'luthier.brought',
  started: 'luthier.started',
  watched: 'luthier.watched',
  tried: 'luthier.tried',
  prompted: 'luthier.prompted',
  /**
   * What that of completions ticks off: a model was chosen, something was suggested, some of it accepted, files were
   * learned, learning from completions was turned on.
   */
  completes: 'luthier.completes',
  suggested: 'luthier.suggested',
  accepted: 'luthier.accepted',
  filesLearned: 'luthier.filesLearned',
  learns: 'luthier.learns',
} as const;

/** What a person has come to: a step of a walkthrough is ticked off by each. */
export type Achievement = Extract<
  keyof typeof CONTEXT_KEYS,
  | 'brought'
  | 'started'
  | 'watched'
  | 'tried'
  | 'prompted'
  | 'completes'
  | 'suggested'
  | 'accepted'
  | 'filesLearned'
  | 'learns'
>;

/** Settings with their defaults, as in package.json's `contributes.configuration`. */
export const SETTINGS = {
  'luthier.node.path': '',
  'luthier.node.registry': 'https://registry.npmjs.org',
  'luthier.backend': 'auto',
  'luthier.defaultModel': 'starters/bert',
  'luthier.modelFolders': [] as string[],
  'luthier.datasets.include': '**/*.{csv,tsv,jsonl,conll,iob,iob2,bio}',
  'luthier.datasets.exclude': '**/{node_modules,.git,.luthier,dist,out,build,.venv}/**',
  'luthier.huggingFace.endpoint': 'https://huggingface.co',
  'luthier.huggingFace.cacheFolder': '',
  'luthier.featureCache.maxGigabytes': 2,
  'luthier.runs.diskWarning': 20,
  'luthier.service.idleMinutes': 10,
  'luthier.dashboard.openOnStart': true,
  'luthier.notifications.runFinished': true,
  'luthier.predictions.eightBit': true,
  'luthier.prompts.endpoint.url': 'http://localhost:11434/v1',
  'luthier.prompts.endpoint.timeoutSeconds': 60,
  'luthier.completions.enabled': true,
  'luthier.completions.languages': ['prompty', 'prompt', 'plaintext', 'markdown'] as string[],
  'luthier.completions.debounce': 0,
  'luthier.completions.slowMilliseconds': 1500,
  'luthier.completions.learn': false,
} as const;

export type SettingName = keyof typeof SETTINGS;

/** A setting's type: its default's, widened (a literal `true` reads as boolean, a string as string). */
export type SettingValue<K extends SettingName> = (typeof SETTINGS)[K] extends boolean
  ? boolean
  : (typeof SETTINGS)[K] extends number
    ? number
    : (typeof SETTINGS)[K] extends string
      ? string
      : string[];

/** Settings that an untrusted workspace may not change: what is started, and where is downloaded from. */
export const RESTRICTED_SETTINGS: readonly SettingName[] = [
  'luthier.node.path',
  'luthier.node.registry',
  'luthier.modelFolders',
  'luthier.huggingFace.endpoint',
  'luthier.huggingFace.cacheFolder',
  'luthier.prompts.endpoint.url',
];

/**
 * Context values of tree items. A run's is `run` and, set apart by dots, its state and what it has
 * (`run.done.model`), so that a `when` clause can test one part: `viewItem =~ /^run\..*\.model/`.
 */
export const TREE_ITEMS = {
  run: 'run',
  runGroup: 'runGroup',
  /** The runs of a comparison or search. */
  runSet: 'runSet',
  /** A fold of a cross-validation, or its model of all rows. */
  runFold: 'runFold',
  dataset: 'dataset',
  /** A file or folder of ours that cannot be read. */
  broken: 'broken',
} as const;

/** Parts of a run's context value beside its state. */
export const RUN_TRAITS = ['model', 'writes', 'resumable', 'readonly'] as const;
export type RunTrait = (typeof RUN_TRAITS)[number];

/** Parts of a dataset's context value: a file of the workspace, a file added by hand, a `.luthier/datasets` folder. */
export const DATASET_KINDS = ['found', 'added', 'made'] as const;
export type DatasetKind = (typeof DATASET_KINDS)[number];

/** The status bar's items: what trains, and the switch of completions. */
export const STATUS_ITEM = 'luthier.status';
export const COMPLETIONS_STATUS_ITEM = 'luthier.completions.status';

export const SECRETS = {
  huggingFaceToken: 'luthier.huggingFaceToken',
  /** One for each address: with `:` and its origin behind it. */
  endpointKey: 'luthier.endpointKey',
  /** What stands behind the question mark of an address; one for each, with `:` and the rest of the address behind it. */
  endpointQuery: 'luthier.endpointQuery',
} as const;

/** Keys in the workspace's or the global memento. */
export const MEMENTO_KEYS = {
  addedDatasets: 'luthier.addedDatasets',
  noWorkspaceFolder: 'luthier.noWorkspaceFolder',
  /** Example data whose folder is about to be opened: fine-tuning begins there. */
  pendingExample: 'luthier.pendingExample',
  nodeDownloadDeclined: 'luthier.nodeDownloadDeclined',
  /** Steps of the walkthroughs that a person has come to. */
  achieved: 'luthier.achieved',
  /** Recipes with what they read outside of the workspace, as a person agreed to it. */
  outsideReads: 'luthier.outsideReads',
  /** Recipes that are trained once though few rows are held out, as a person chose it. */
  trainedOnce: 'luthier.trainedOnce',
  /** Templates with the model that each is tried with, where its file does not say. */
  templateModels: 'luthier.templateModels',
  /** Templates with what each is compared on. */
  templateColumns: 'luthier.templateColumns',
  /** Templates with the votes on answers to each. */
  templateVotes: 'luthier.templateVotes',
  /** Where prompts may be sent to, as a person agreed to it. */
  confirmedRemotes: 'luthier.confirmedRemotes',
} as const;

/** Places of this extension's own folder. */
export const ENGINE_FILES = {
  run: 'dist/engine/run.cjs',
  service: 'dist/engine/service.cjs',
  /** A recipe's text is checked in this process where no other may be started; it reads no files. */
  recipeText: 'dist/extension/recipe-text.cjs',
} as const;

/** Scheme of read-only documents that we make up. */
export const REPORT_SCHEME = 'luthier-report';

/** Language of prompt templates, as Prompty's own extension calls it. */
export const PROMPT_LANGUAGE = 'prompty';

export const RECIPE_SUFFIX = '.recipe.json';
export const RECIPE_SCHEMA = './media/recipe.editor.schema.json';
