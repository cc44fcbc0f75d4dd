// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '../shared/base.css';
import '../shared/tables.css';
import './comparison.css';
import {
  type ComparisonMessage,
  type ComparisonRequest,
  parseComparisonMessage,
} from '../../protocol/comparison-page.ts';
import { connect } from '../shared/host.ts';
import { ComparisonElement } from './app.ts';

const comparison = new ComparisonElement();
comparison.host = connect<ComparisonMessage, ComparisonRequest>(parseComparisonMessage);
document.getElementById('app')?.append(comparison);
