// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '../shared/base.css';
import '../shared/entities.css';
import './tryout.css';
import { parseTryoutMessage, type TryoutMessage, type TryoutRequest } from '../../protocol/tryout-page.ts';
import { connect } from '../shared/host.ts';
import { TryoutElement } from './app.ts';

const tryout = new TryoutElement();
tryout.host = connect<TryoutMessage, TryoutRequest>(parseTryoutMessage);
document.getElementById('app')?.append(tryout);
