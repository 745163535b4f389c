/** The icon of each type of panel. */
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
import type { Kind } from './kinds.ts';

export const ICONS: Record<Kind, string> = {
  timeseries,
  stat,
  gauge,
  bargauge,
  table,
  barchart,
  piechart,
  heatmap,
  histogram,
  'state-timeline': timeline,
  'status-history': history,
  logs,
  text,
  alertlist: alerts,
  dashlist: boards,
  annolist: marks,
};
