// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '../shared/base.css';
import '../shared/tables.css';
import './completions.css';
import {
  type CompletionsMessage,
  type CompletionsRequest,
  parseCompletionsMessage,
} from '../../protocol/completions-page.ts';
import { connect } from '../shared/host.ts';
import { CompletionsElement } from './app.ts';

const completions = new CompletionsElement();
completions.host = connect<CompletionsMessage, CompletionsRequest>(parseCompletionsMessage);
document.getElementById('app')?.append(completions);
