// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '../shared/base.css';
import '../shared/cursor.css';
import './prompt.css';
import { type PromptPageMessage, type PromptPageRequest, parsePromptPageMessage } from '../../protocol/prompt-page.ts';
import { connect } from '../shared/host.ts';
import { PromptElement } from './app.ts';

const prompt = new PromptElement();
prompt.host = connect<PromptPageMessage, PromptPageRequest>(parsePromptPageMessage);
document.getElementById('app')?.append(prompt);
