/** Types of panels: their names, what they are called in older dashboards. No DOM. */
import { object } from './path.ts';

export type Kind =
  | 'timeseries'
  | 'stat'
  | 'gauge'
  | 'bargauge'
  | 'table'
  | 'heatmap'
  | 'histogram'
  | 'barchart'
  | 'piechart'
  | 'state-timeline'
  | 'status-history'
  | 'logs'
  | 'text'
  | 'alertlist'
  | 'dashlist'
  | 'annolist';

export const KINDS: readonly { id: Kind; label: string; words: string }[] = [
  { id: 'timeseries', label: 'Time series', words: 'Lines, bars or points over time' },
  { id: 'stat', label: 'Stat', words: 'One or a few large numbers' },
  { id: 'gauge', label: 'Gauge', words: 'A number between bounds, as a dial' },
  { id: 'bargauge', label: 'Bar gauge', words: 'Numbers between bounds, as bars' },
  { id: 'table', label: 'Table', words: 'Rows and columns' },
  { id: 'barchart', label: 'Bar chart', words: 'Bars for names or times' },
  { id: 'piechart', label: 'Pie chart', words: 'Shares of a whole' },
  { id: 'heatmap', label: 'Heatmap', words: 'How values spread over time' },
  { id: 'histogram', label: 'Histogram', words: 'How often values lie in a range' },
  { id: 'state-timeline', label: 'State timeline', words: 'States and how long they last' },
  { id: 'status-history', label: 'Status history', words: 'A state for each moment' },
  { id: 'logs', label: 'Logs', words: 'Log lines' },
  { id: 'text', label: 'Text', words: 'Words of your own' },
  { id: 'alertlist', label: 'Alert list', words: 'Alerts that are on' },
  { id: 'dashlist', label: 'Dashboard list', words: 'Links to dashboards' },
  { id: 'annolist', label: 'Annotation list', words: 'What was marked in time' },
];

/** Names that older dashboards use. */
const OLDER: Record<string, Kind> = {
  graph: 'timeseries',
  trend: 'timeseries',
  singlestat: 'stat',
  'grafana-singlestat-panel': 'stat',
  'table-old': 'table',
  'grafana-piechart-panel': 'piechart',
};

/** The kind of a type; null for one that is not drawn. */
export const kindOf = (type: string): Kind | null => KINDS.find((one) => one.id === type)?.id ?? OLDER[type] ?? null;
/** Whether the type is one whose options have another form. */
export const isOlder = (type: string): boolean => type !== 'trend' && type in OLDER;
/** What panels of today's types had beside their options before they had the form of today. */
const BESIDE = [
  'styles',
  'columns',
  'transform',
  'dataFormat',
  'cards',
  'heatmap',
  'yAxis',
  'content',
  'valueName',
  'pieType',
  'nullPointMode',
  'onlyAlertsOnDashboard',
  'stateFilter',
  'show',
  'headings',
  'recent',
  'starred',
  'minSpan',
];
/** Whether a panel may be one of an older form; the server knows. */
export const looksOlder = (panel: { type: string; options?: unknown }): boolean =>
  isOlder(panel.type) || BESIDE.some((name) => name in panel) || object(object(panel.options)?.fieldOptions) !== null;
/** Whether panels of a kind have queries. */
export const asks = (kind: Kind | null): boolean => !!kind && !['text', 'alertlist', 'dashlist', 'annolist'].includes(kind);
