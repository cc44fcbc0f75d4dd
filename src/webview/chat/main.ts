// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-textarea/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '../shared/base.css';
import '../shared/cursor.css';
import './chat.css';
import { type ChatPageMessage, type ChatPageRequest, parseChatPageMessage } from '../../protocol/chat-page.ts';
import { connect } from '../shared/host.ts';
import { ChatElement } from './app.ts';

const chat = new ChatElement();
chat.host = connect<ChatPageMessage, ChatPageRequest>(parseChatPageMessage);
document.getElementById('app')?.append(chat);
