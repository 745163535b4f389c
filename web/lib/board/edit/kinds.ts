/** The kinds of panels that can be added: their names, icons, and what a new one begins with. */
import alerts from 'icon:siren';
import annotations from 'icon:message-square';
import bars from 'icon:chart-column';
import barGauge from 'icon:chart-bar-decreasing';
import boards from 'icon:layout-dashboard';
import gauge from 'icon:gauge';
import heat from 'icon:grid-3x3';
import histogram from 'icon:chart-no-axes-column';
import line from 'icon:chart-line';
import logs from 'icon:scroll-text';
import pie from 'icon:chart-pie';
import stat from 'icon:hash';
import states from 'icon:chart-gantt';
import history from 'icon:layout-grid';
import table from 'icon:table-2';
import text from 'icon:text';
import { t } from '../../words.ts';
import type { PanelJson } from './draft.ts';

export interface Kind { type: string; name: string; icon: string; /** Whether it shows answers of queries. */ asks: boolean; w: number; h: number }

export const kinds = (): Kind[] => [
  { type: 'timeseries', name: t('Time series'), icon: line, asks: true, w: 12, h: 8 },
  { type: 'stat', name: t('Stat'), icon: stat, asks: true, w: 6, h: 4 },
  { type: 'gauge', name: t('Gauge'), icon: gauge, asks: true, w: 6, h: 6 },
  { type: 'bargauge', name: t('Bar gauge'), icon: barGauge, asks: true, w: 12, h: 6 },
  { type: 'table', name: t('Table'), icon: table, asks: true, w: 12, h: 8 },
  { type: 'barchart', name: t('Bar chart'), icon: bars, asks: true, w: 12, h: 8 },
  { type: 'piechart', name: t('Pie chart'), icon: pie, asks: true, w: 8, h: 8 },
  { type: 'heatmap', name: t('Heat map'), icon: heat, asks: true, w: 12, h: 8 },
  { type: 'histogram', name: t('Histogram'), icon: histogram, asks: true, w: 12, h: 8 },
  { type: 'state-timeline', name: t('State timeline'), icon: states, asks: true, w: 12, h: 6 },
  { type: 'status-history', name: t('Status history'), icon: history, asks: true, w: 12, h: 6 },
  { type: 'logs', name: t('Logs'), icon: logs, asks: true, w: 24, h: 9 },
  { type: 'text', name: t('Text'), icon: text, asks: false, w: 8, h: 4 },
  { type: 'alertlist', name: t('List of alerts'), icon: alerts, asks: false, w: 8, h: 8 },
  { type: 'dashlist', name: t('List of dashboards'), icon: boards, asks: false, w: 8, h: 8 },
  { type: 'annolist', name: t('List of annotations'), icon: annotations, asks: false, w: 8, h: 8 },
];

/** The built-in sources, as dashboards name them. */
const METRICS = { type: 'prometheus', uid: 'metrics' }, LOGS = { type: 'loki', uid: 'logs' };

/** A new panel; where it stands is found when it is added. */
export function fresh(kind: Kind, id: number): PanelJson {
  const source = kind.type === 'logs' ? LOGS : METRICS;
  return {
    id, type: kind.type, title: kind.type === 'text' ? '' : t('New panel'), gridPos: { x: 0, y: 0, w: kind.w, h: kind.h },
    ...(kind.asks ? { datasource: source, targets: [{ refId: 'A', datasource: source, expr: '' }] } : {}),
    fieldConfig: { defaults: {}, overrides: [] },
    options: kind.type === 'text' ? { mode: 'markdown', content: '' } : {},
  };
}

/** A new row. */
export const freshRow = (id: number): PanelJson => ({ id, type: 'row', title: t('New row'), collapsed: false, gridPos: { x: 0, y: 0, w: 24, h: 1 }, panels: [] });
