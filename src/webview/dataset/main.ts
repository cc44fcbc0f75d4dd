// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '../shared/base.css';
import '../shared/tables.css';
import './dataset.css';
import { type DatasetMessage, type DatasetRequest, parseDatasetMessage } from '../../protocol/dataset-page.ts';
import { connect } from '../shared/host.ts';
import { DatasetElement } from './app.ts';

const dataset = new DatasetElement();
dataset.host = connect<DatasetMessage, DatasetRequest>(parseDatasetMessage);
document.getElementById('app')?.append(dataset);
