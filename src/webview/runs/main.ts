// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '../shared/base.css';
import './runs.css';
import './table.css';
import './plot.css';
import { parseRunsMessage, type RunsMessage, type RunsRequest } from '../../protocol/runs-page.ts';
import { connect } from '../shared/host.ts';
import { RunsElement } from './app.ts';

const runs = new RunsElement();
runs.host = connect<RunsMessage, RunsRequest>(parseRunsMessage);
document.getElementById('app')?.append(runs);
