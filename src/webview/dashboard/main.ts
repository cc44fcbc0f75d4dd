// First: what is imported after it reads the language.
import '../shared/language.ts';

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import 'uplot/dist/uPlot.min.css';
import '../shared/base.css';
import '../shared/entities.css';
import './dashboard.css';
import './charts.css';
import './evaluation.css';
import './tables.css';
import './chart.ts';
import './confusion.ts';
import { type DashboardMessage, type DashboardRequest, parseDashboardMessage } from '../../protocol/dashboard-page.ts';
import { connect } from '../shared/host.ts';
import { DashboardElement } from './app.ts';

const dashboard = new DashboardElement();
dashboard.host = connect<DashboardMessage, DashboardRequest>(parseDashboardMessage);
document.getElementById('app')?.append(dashboard);
