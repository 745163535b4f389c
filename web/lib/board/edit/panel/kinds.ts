/** Types of panels: their names and icons, what they are called in older dashboards. */
import timeseries from 'icon:chart-line';
import stat from 'icon:hash';
import gauge from 'icon:gauge';
import bargauge from 'icon:chart-no-axes-column';
import table from 'icon:table-2';
import heatmap from 'icon:grid-3x3';
import histogram from 'icon:chart-column-big';
import barchart from 'icon:chart-column';
import piechart from 'icon:chart-pie';
import timeline from 'icon:chart-gantt';
import history from 'icon:layout-grid';
import logs from 'icon:scroll-text';
import text from 'icon:type';
import alerts from 'icon:bell';
import boards from 'icon:layout-dashboard';
import marks from 'icon:message-square';

export type Kind = 'timeseries' | 'stat' | 'gauge' | 'bargauge' | 'table' | 'heatmap' | 'histogram' | 'barchart' | 'piechart' | 'state-timeline' | 'status-history' | 'logs' | 'text' | 'alertlist' | 'dashlist' | 'annolist';

export const KINDS: readonly { id: Kind; label: string; icon: string; words: string }[] = [
  { id: 'timeseries', label: 'Time series', icon: timeseries, words: 'Lines, bars or points over time' },
  { id: 'stat', label: 'Stat', icon: stat, words: 'One or a few large numbers' },
  { id: 'gauge', label: 'Gauge', icon: gauge, words: 'A number between bounds, as a dial' },
  { id: 'bargauge', label: 'Bar gauge', icon: bargauge, words: 'Numbers between bounds, as bars' },
  { id: 'table', label: 'Table', icon: table, words: 'Rows and columns' },
  { id: 'barchart', label: 'Bar chart', icon: barchart, words: 'Bars for names or times' },
  { id: 'piechart', label: 'Pie chart', icon: piechart, words: 'Shares of a whole' },
  { id: 'heatmap', label: 'Heatmap', icon: heatmap, words: 'How values spread over time' },
  { id: 'histogram', label: 'Histogram', icon: histogram, words: 'How often values lie in a range' },
  { id: 'state-timeline', label: 'State timeline', icon: timeline, words: 'States and how long they last' },
  { id: 'status-history', label: 'Status history', icon: history, words: 'A state for each moment' },
  { id: 'logs', label: 'Logs', icon: logs, words: 'Log lines' },
  { id: 'text', label: 'Text', icon: text, words: 'Words of your own' },
  { id: 'alertlist', label: 'Alert list', icon: alerts, words: 'Alerts that are on' },
  { id: 'dashlist', label: 'Dashboard list', icon: boards, words: 'Links to dashboards' },
  { id: 'annolist', label: 'Annotation list', icon: marks, words: 'What was marked in time' },
];

/** Names that older dashboards use. */
const OLDER: Record<string, Kind> = { graph: 'timeseries', trend: 'timeseries', singlestat: 'stat', 'grafana-singlestat-panel': 'stat', 'table-old': 'table', 'grafana-piechart-panel': 'piechart' };

/** The kind of a type; null for one that is not drawn. */
export const kindOf = (type: string): Kind | null => KINDS.find((one) => one.id === type)?.id ?? OLDER[type] ?? null;
/** Whether the type is one whose options have another form. */
export const isOlder = (type: string): boolean => type !== 'trend' && type in OLDER;
/** Whether panels of a kind have queries. */
export const asks = (kind: Kind | null): boolean => !!kind && !['text', 'alertlist', 'dashlist', 'annolist'].includes(kind);
