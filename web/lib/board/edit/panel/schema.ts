/** Every option of panels, as data: where it stands in the JSON, what it is edited with, which kinds have it. */
import { SCHEMES } from '../../schemes.ts';
import type { Json, Obj } from '../draft.ts';
import type { Control, Part, Pick } from './control.ts';
import { asks, KINDS, type Kind } from './kinds.ts';

export type TabId = 'look' | 'thresholds' | 'links';
/** Groups in the order in which they stand, each with its tab. */
export const GROUPS = {
  Text: 'look',
  List: 'look',
  Panel: 'look',
  'Log lines': 'look',
  'Which values': 'look',
  Value: 'look',
  Drawing: 'look',
  'Unit and name': 'look',
  Colour: 'look',
  Table: 'look',
  Cells: 'look',
  Legend: 'look',
  Axis: 'look',
  Tooltip: 'look',
  'Time and repeating': 'look',
  Thresholds: 'thresholds',
  'Texts for values': 'thresholds',
  'Links on values': 'links',
  'Links of the panel': 'links',
} as const satisfies Record<string, TabId>;
export type Group = keyof typeof GROUPS;

export interface Option {
  /** Where it stands in the panel's JSON. */
  path: string;
  label: string;
  group: Group;
  control: Control;
  /** What counts where nothing stands; written when a panel becomes one of the kind. */
  initial?: Json | ((kind: Kind) => Json);
  /** The kinds that have it; all that show values where it is absent. */
  kinds?: readonly Kind[];
  /** Further words to find it by. */
  words?: string;
  help?: string;
  /** Whether it means something beside the others; `get` gives what counts at a path. */
  when?: (get: (path: string) => Json | undefined) => boolean;
}

/** Options of fields stand below this, and may be overridden. */
export const FIELD = 'fieldConfig.defaults.';
const custom = (name: string): string => `${FIELD}custom.${name}`;

const TIME: Kind[] = ['timeseries'];
const REDUCED: Kind[] = ['stat', 'gauge', 'bargauge', 'piechart'];
const STATES: Kind[] = ['state-timeline', 'status-history'];
const EVERY: Kind[] = KINDS.map((one) => one.id);
const ASKING: Kind[] = EVERY.filter(asks);
const VALUES: Kind[] = ASKING.filter((kind) => kind !== 'logs');
const PALETTES: Kind[] = ['timeseries', 'barchart', 'piechart', 'histogram', 'state-timeline'];

const ORIENTATION: readonly Pick[] = [
  ['auto', 'By room'],
  ['horizontal', 'Horizontal'],
  ['vertical', 'Vertical'],
];
const NONE_OR: readonly Pick[] = [
  ['none', 'Off'],
  ['normal', 'On each other'],
  ['percent', 'To 100 %'],
];
const is =
  (path: string, ...values: Json[]) =>
  (get: (path: string) => Json | undefined): boolean =>
    values.includes(get(path) ?? null);
const isLine = is(custom('drawStyle'), 'line');

/** Scales of colours by Grafana's names. */
export const SCALES: readonly Pick[] = [
  ['continuous-GrYlRd', 'Green to red'],
  ['continuous-RdYlGr', 'Red to green'],
  ['continuous-BlYlRd', 'Blue to red'],
  ['continuous-YlRd', 'Yellow to red'],
  ['continuous-BlPu', 'Blue to purple'],
  ['continuous-YlBl', 'Yellow to blue'],
  ['continuous-blues', 'Blues'],
  ['continuous-reds', 'Reds'],
  ['continuous-greens', 'Greens'],
];
const MODES: readonly Pick[] = [
  ['palette-classic', 'A colour each'],
  ['palette-classic-by-name', 'A colour each, by name'],
  ['thresholds', 'By thresholds'],
  ['fixed', 'One colour'],
  ['shades', 'Shades of one colour'],
  ...SCALES,
];
const COLOUR: readonly Part[] = [
  { at: 'mode', label: 'Colours', control: { is: 'one', of: MODES } },
  { at: 'fixedColor', label: 'Colour', control: { is: 'colour' }, when: (all) => all.mode === 'fixed' || all.mode === 'shades' },
];
const HIDDEN: readonly Part[] = [
  { at: 'viz', label: 'Hide in the picture', control: { is: 'switch' }, initial: false },
  { at: 'legend', label: 'Hide in the legend', control: { is: 'switch' }, initial: false },
  { at: 'tooltip', label: 'Hide in the tooltip', control: { is: 'switch' }, initial: false },
];
/** How a heatmap is coloured: with nothing said it is blue, by the square root of counts. */
const isFilled = (all: Obj): boolean => all.mode === 'opacity';
const isScheme = (all: Obj): boolean => !isFilled(all);
const SHADES: readonly Part[] = [
  {
    at: 'mode',
    label: 'Coloured by',
    control: {
      is: 'one',
      of: [
        ['scheme', 'Scheme'],
        ['opacity', 'Shades of a colour'],
      ],
    },
    initial: 'scheme',
  },
  { at: 'scheme', label: 'Scheme', control: { is: 'named', of: SCHEMES, none: 'As this page' }, when: isScheme },
  { at: 'fill', label: 'Colour', control: { is: 'colour' }, initial: 'dark-orange', when: isFilled },
  {
    at: 'scale',
    label: 'Strength grows',
    control: {
      is: 'one',
      of: [
        ['exponential', 'With a power'],
        ['linear', 'Evenly'],
      ],
    },
    initial: 'exponential',
    when: isFilled,
  },
  {
    at: 'exponent',
    label: 'Power',
    control: { is: 'number', min: 0.1, max: 2, step: 0.1, hint: '0.5' },
    help: 'Below 1 few counts are seen better.',
    when: (all) => isFilled(all) && all.scale !== 'linear',
  },
  {
    at: 'steps',
    label: 'Number of shades',
    control: { is: 'number', min: 2, max: 128, step: 1, hint: '64' },
    when: (all) => isFilled(all) || !!all.scheme,
  },
  { at: 'min', label: 'First shade at', control: { is: 'number' }, when: (all) => isFilled(all) || !!all.scheme },
  { at: 'max', label: 'Last shade at', control: { is: 'number' }, when: (all) => isFilled(all) || !!all.scheme },
  { at: 'reverse', label: 'The other way round', control: { is: 'switch' }, initial: false, when: (all) => isFilled(all) || !!all.scheme },
];
const CELLS: readonly Part[] = [
  {
    at: 'type',
    label: 'Cells',
    control: {
      is: 'one',
      of: [
        ['auto', 'Text'],
        ['color-text', 'Coloured text'],
        ['color-background', 'Coloured background'],
        ['gauge', 'Bar'],
        ['sparkline', 'Small chart'],
        ['json-view', 'JSON'],
        ['image', 'Link to a picture'],
        ['markdown', 'Markdown'],
      ],
    },
    initial: 'auto',
  },
  {
    at: 'mode',
    label: 'Bar',
    control: {
      is: 'one',
      of: [
        ['basic', 'Plain'],
        ['gradient', 'Gradient'],
        ['lcd', 'Cells'],
      ],
    },
    initial: 'basic',
    when: (all) => all.type === 'gauge',
  },
  {
    at: 'valueDisplayMode',
    label: 'Number beside the bar',
    control: {
      is: 'one',
      of: [
        ['color', 'Coloured'],
        ['text', 'Plain'],
        ['hidden', 'Hidden'],
      ],
    },
    initial: 'color',
    when: (all) => all.type === 'gauge',
  },
  {
    at: 'applyToRow',
    label: 'Colour the whole row',
    control: { is: 'switch' },
    initial: false,
    when: (all) => all.type === 'color-background',
  },
  { at: 'wrapText', label: 'Break long texts', control: { is: 'switch' }, initial: false, when: (all) => all.wrapText === true },
];

export const OPTIONS: readonly Option[] = [
  // What panels without queries show.
  {
    path: 'options.mode',
    label: 'Written as',
    group: 'Text',
    kinds: ['text'],
    control: {
      is: 'one',
      of: [
        ['markdown', 'Markdown'],
        ['html', 'HTML'],
        ['code', 'Code'],
      ],
    },
    initial: 'markdown',
    help: 'Of HTML what is harmless is shown: no scripts, styles or pictures.',
  },
  {
    path: 'options.content',
    label: 'Text',
    group: 'Text',
    kinds: ['text'],
    control: { is: 'text', rows: 14, mono: true },
    initial: '',
    words: 'content markdown html',
  },
  {
    path: 'options.viewMode',
    label: 'Shown as',
    group: 'List',
    kinds: ['alertlist'],
    control: {
      is: 'one',
      of: [
        ['list', 'List'],
        ['stat', 'Count'],
      ],
    },
    initial: 'list',
  },
  {
    path: 'options.maxItems',
    label: 'Most entries',
    group: 'List',
    kinds: ['alertlist', 'dashlist'],
    control: { is: 'number', min: 1, max: 100, step: 1, hint: '20' },
    initial: 20,
    words: 'limit',
  },
  {
    path: 'options.sortOrder',
    label: 'Order',
    group: 'List',
    kinds: ['alertlist'],
    control: {
      is: 'one',
      of: [
        [3, 'Firing first'],
        [1, 'Name, A to Z'],
        [2, 'Name, Z to A'],
        [4, 'Oldest first'],
        [5, 'Newest first'],
      ],
    },
    initial: 3,
    words: 'sort',
  },
  {
    path: 'options.alertName',
    label: 'Name holds',
    group: 'List',
    kinds: ['alertlist'],
    control: { is: 'text' },
    initial: '',
    words: 'filter',
  },
  {
    path: 'options.alertInstanceLabelFilter',
    label: 'Labels',
    group: 'List',
    kinds: ['alertlist'],
    control: { is: 'text', mono: true, hint: '{team="web"}' },
    initial: '',
    words: 'filter matcher',
  },
  {
    path: 'options.stateFilter.firing',
    label: 'Firing alerts',
    group: 'List',
    kinds: ['alertlist'],
    control: { is: 'switch' },
    initial: true,
  },
  {
    path: 'options.stateFilter.pending',
    label: 'Pending alerts',
    group: 'List',
    kinds: ['alertlist'],
    control: { is: 'switch' },
    initial: true,
  },
  {
    path: 'options.query',
    label: 'Title holds',
    group: 'List',
    kinds: ['dashlist'],
    control: { is: 'text' },
    initial: '',
    words: 'search filter',
  },
  {
    path: 'options.tags',
    label: 'Tags',
    group: 'List',
    kinds: ['dashlist', 'annolist'],
    control: { is: 'words', hint: 'deploy, api' },
    initial: [],
    help: 'Separated by commas; entries have all of them.',
  },
  { path: 'options.folderUID', label: 'In the folder', group: 'List', kinds: ['dashlist'], control: { is: 'folder' }, initial: '' },
  {
    path: 'options.limit',
    label: 'Most entries',
    group: 'List',
    kinds: ['annolist'],
    control: { is: 'number', min: 1, max: 100, step: 1, hint: '10' },
    initial: 10,
  },
  { path: 'options.showTags', label: 'Show tags', group: 'List', kinds: ['annolist'], control: { is: 'switch' }, initial: true },

  // The panel.
  { path: 'title', label: 'Title', group: 'Panel', kinds: EVERY, control: { is: 'text' }, words: 'name heading' },
  {
    path: 'transparent',
    label: 'Without a background',
    group: 'Panel',
    kinds: EVERY,
    control: { is: 'switch' },
    initial: false,
    words: 'transparent',
  },
  { path: 'description', label: 'Description', group: 'Panel', kinds: EVERY, control: { is: 'text', rows: 2 }, words: 'help info' },
  {
    path: 'repeat',
    label: 'Once for each value of',
    group: 'Time and repeating',
    kinds: EVERY,
    control: { is: 'variable' },
    words: 'repeat variable',
  },
  {
    path: 'repeatDirection',
    label: 'Copies stand',
    group: 'Time and repeating',
    kinds: EVERY,
    control: {
      is: 'one',
      of: [
        ['h', 'Beside each other'],
        ['v', 'Below each other'],
      ],
    },
    initial: 'h',
    when: (get) => !!get('repeat'),
    words: 'repeat direction',
  },
  {
    path: 'maxPerRow',
    label: 'Most beside each other',
    group: 'Time and repeating',
    kinds: EVERY,
    control: { is: 'number', min: 1, max: 24, step: 1, hint: '4' },
    when: (get) => !!get('repeat') && get('repeatDirection') !== 'v',
    words: 'repeat',
  },
  {
    path: 'timeFrom',
    label: 'Another length of time',
    group: 'Time and repeating',
    control: { is: 'text', mono: true, hint: '1h' },
    help: 'The last so long, whatever the page shows.',
    words: 'relative time range override',
  },
  {
    path: 'timeShift',
    label: 'Earlier by',
    group: 'Time and repeating',
    control: { is: 'text', mono: true, hint: '1d' },
    words: 'time shift compare',
  },
  {
    path: 'hideTimeOverride',
    label: 'Do not say so beside the title',
    group: 'Time and repeating',
    control: { is: 'switch' },
    initial: false,
    when: (get) => !!get('timeFrom') || !!get('timeShift'),
    words: 'time',
  },
  {
    path: 'interval',
    label: 'Least distance of points',
    group: 'Time and repeating',
    control: { is: 'text', mono: true, hint: '30s' },
    words: 'min interval step resolution',
  },
  {
    path: 'maxDataPoints',
    label: 'Most points',
    group: 'Time and repeating',
    control: { is: 'number', min: 1, max: 4_000, step: 10 },
    help: 'As many as there are pixels, unless you say.',
    words: 'max data points resolution',
  },

  // Which values of the answer, for panels that show few.
  {
    path: 'options.reduceOptions.values',
    label: 'Take',
    group: 'Which values',
    kinds: REDUCED,
    control: {
      is: 'one',
      of: [
        [false, 'One value of each series'],
        [true, 'Every row'],
      ],
    },
    initial: false,
    words: 'reduce calculate',
  },
  {
    path: 'options.reduceOptions.calcs',
    label: 'Value of a series',
    group: 'Which values',
    kinds: REDUCED,
    control: { is: 'reducers' },
    initial: ['lastNotNull'],
    when: (get) => get('options.reduceOptions.values') !== true,
    words: 'calculation last mean max min total reducer',
  },
  {
    path: 'options.reduceOptions.limit',
    label: 'Most rows',
    group: 'Which values',
    kinds: REDUCED,
    control: { is: 'number', min: 1, max: 200, step: 1, hint: '25' },
    when: is('options.reduceOptions.values', true),
  },
  {
    path: 'options.reduceOptions.fields',
    label: 'Fields',
    group: 'Which values',
    kinds: REDUCED,
    control: { is: 'field' },
    initial: '',
    help: 'A name, or /an expression/; empty for all numbers.',
  },

  // Stat.
  {
    path: 'options.textMode',
    label: 'Words',
    group: 'Value',
    kinds: ['stat'],
    control: {
      is: 'one',
      of: [
        ['auto', 'As needed'],
        ['value', 'Value'],
        ['value_and_name', 'Value and name'],
        ['name', 'Name'],
        ['none', 'None'],
      ],
    },
    initial: 'auto',
    words: 'text mode',
  },
  {
    path: 'options.colorMode',
    label: 'What has the colour',
    group: 'Value',
    kinds: ['stat'],
    control: {
      is: 'one',
      of: [
        ['value', 'Value'],
        ['background', 'Background'],
        ['background_solid', 'Whole background'],
        ['none', 'Nothing'],
      ],
    },
    initial: 'value',
  },
  {
    path: 'options.graphMode',
    label: 'Small chart',
    group: 'Value',
    kinds: ['stat'],
    control: {
      is: 'one',
      of: [
        ['area', 'Area'],
        ['none', 'None'],
      ],
    },
    initial: 'area',
    words: 'sparkline graph',
  },
  {
    path: 'options.justifyMode',
    label: 'Stands',
    group: 'Value',
    kinds: ['stat'],
    control: {
      is: 'one',
      of: [
        ['auto', 'At the start'],
        ['center', 'In the middle'],
      ],
    },
    initial: 'auto',
    words: 'align justify',
  },
  {
    path: 'options.text.valueSize',
    label: 'Size of the value',
    group: 'Value',
    kinds: ['stat'],
    control: { is: 'number', min: 8, max: 200, step: 1 },
    help: 'In pixels; as large as there is room, unless you say.',
    words: 'font',
  },
  {
    path: 'options.showPercentChange',
    label: 'Show the change',
    group: 'Value',
    kinds: ['stat'],
    control: { is: 'switch' },
    initial: false,
    words: 'percent change',
  },
  {
    path: 'options.percentChangeColorMode',
    label: 'Colour of the change',
    group: 'Value',
    kinds: ['stat'],
    control: {
      is: 'one',
      of: [
        ['standard', 'More is good'],
        ['inverted', 'More is bad'],
        ['same_as_value', 'As the value'],
      ],
    },
    initial: 'standard',
    when: is('options.showPercentChange', true),
  },
  {
    path: 'options.orientation',
    label: 'Values stand',
    group: 'Value',
    kinds: ['stat', 'gauge'],
    control: {
      is: 'one',
      of: [
        ['auto', 'By room'],
        ['horizontal', 'Below each other'],
        ['vertical', 'Beside each other'],
      ],
    },
    initial: 'auto',
    words: 'orientation layout',
  },
  // Gauge.
  {
    path: 'options.showThresholdMarkers',
    label: 'Ring of thresholds',
    group: 'Value',
    kinds: ['gauge'],
    control: { is: 'switch' },
    initial: true,
  },
  {
    path: 'options.showThresholdLabels',
    label: 'Numbers on the ring',
    group: 'Value',
    kinds: ['gauge'],
    control: { is: 'switch' },
    initial: false,
  },
  // Bar gauge.
  {
    path: 'options.displayMode',
    label: 'Bars',
    group: 'Drawing',
    kinds: ['bargauge'],
    control: {
      is: 'one',
      of: [
        ['gradient', 'Gradient'],
        ['basic', 'Plain'],
        ['lcd', 'Cells'],
      ],
    },
    initial: 'gradient',
  },
  {
    path: 'options.orientation',
    label: 'Direction',
    group: 'Drawing',
    kinds: ['bargauge', 'barchart'],
    control: { is: 'one', of: ORIENTATION },
    initial: 'auto',
    words: 'orientation',
  },
  {
    path: 'options.valueMode',
    label: 'Numbers',
    group: 'Drawing',
    kinds: ['bargauge'],
    control: {
      is: 'one',
      of: [
        ['color', 'Coloured'],
        ['text', 'Plain'],
        ['hidden', 'Hidden'],
      ],
    },
    initial: 'color',
  },
  {
    path: 'options.namePlacement',
    label: 'Names',
    group: 'Drawing',
    kinds: ['bargauge'],
    control: {
      is: 'one',
      of: [
        ['auto', 'By room'],
        ['top', 'Above'],
        ['left', 'Beside'],
        ['hidden', 'Hidden'],
      ],
    },
    initial: 'auto',
  },
  {
    path: 'options.showUnfilled',
    label: 'Show the empty part',
    group: 'Drawing',
    kinds: ['bargauge'],
    control: { is: 'switch' },
    initial: true,
  },
  // Bar chart.
  {
    path: 'options.xField',
    label: 'Names of the bars',
    group: 'Drawing',
    kinds: ['barchart'],
    control: { is: 'field' },
    help: 'The first text or time, unless you say.',
    words: 'x axis category',
  },
  {
    path: 'options.stacking',
    label: 'Stacking',
    group: 'Drawing',
    kinds: ['barchart'],
    control: { is: 'one', of: NONE_OR },
    initial: 'none',
  },
  {
    path: 'options.showValue',
    label: 'Numbers on the bars',
    group: 'Drawing',
    kinds: ['barchart'],
    control: {
      is: 'one',
      of: [
        ['auto', 'By room'],
        ['always', 'Always'],
        ['never', 'Never'],
      ],
    },
    initial: 'auto',
  },
  {
    path: 'options.groupWidth',
    label: 'Width of a group',
    group: 'Drawing',
    kinds: ['barchart'],
    control: { is: 'number', min: 0.1, max: 1, step: 0.05, hint: '0.7' },
    initial: 0.7,
  },
  { path: 'options.colorByField', label: 'Colour by the field', group: 'Drawing', kinds: ['barchart'], control: { is: 'field' } },
  // Pie.
  {
    path: 'options.pieType',
    label: 'Form',
    group: 'Drawing',
    kinds: ['piechart'],
    control: {
      is: 'one',
      of: [
        ['pie', 'Pie'],
        ['donut', 'Donut'],
      ],
    },
    initial: 'pie',
  },
  {
    path: 'options.sort',
    label: 'Order',
    group: 'Drawing',
    kinds: ['piechart'],
    control: {
      is: 'one',
      of: [
        ['desc', 'Largest first'],
        ['asc', 'Smallest first'],
        ['none', 'As they come'],
      ],
    },
    initial: 'desc',
    words: 'sort',
  },
  {
    path: 'options.displayLabels',
    label: 'On the slices',
    group: 'Drawing',
    kinds: ['piechart'],
    control: {
      is: 'many',
      of: [
        ['name', 'Name'],
        ['value', 'Value'],
        ['percent', 'Percent'],
      ],
    },
    initial: [],
    words: 'labels',
  },
  // Heatmap and histogram.
  {
    path: 'options.calculate',
    label: 'Count values into buckets',
    group: 'Drawing',
    kinds: ['heatmap'],
    control: { is: 'switch' },
    initial: false,
    help: 'For series that are no histograms.',
  },
  { path: 'options.filterValues.le', label: 'Hide counts up to', group: 'Drawing', kinds: ['heatmap'], control: { is: 'number' } },
  { path: 'options.filterValues.ge', label: 'Hide counts from', group: 'Drawing', kinds: ['heatmap'], control: { is: 'number' } },
  {
    path: 'options.color',
    label: 'Colour',
    group: 'Colour',
    kinds: ['heatmap'],
    control: { is: 'parts', of: SHADES },
    words: 'color scheme palette opacity exponent steps reverse',
  },
  {
    path: 'options.legend.show',
    label: 'Show the scale',
    group: 'Colour',
    kinds: ['heatmap'],
    control: { is: 'switch' },
    initial: true,
    words: 'legend color',
  },
  {
    path: 'options.cellValues.unit',
    label: 'Unit of counts',
    group: 'Colour',
    kinds: ['heatmap'],
    control: { is: 'unit' },
    words: 'cell value',
  },
  {
    path: 'options.cellValues.decimals',
    label: 'Decimals of counts',
    group: 'Colour',
    kinds: ['heatmap'],
    control: { is: 'number', min: 0, max: 20, step: 1 },
    words: 'cell value',
  },
  { path: 'options.yAxis.unit', label: 'Unit', group: 'Axis', kinds: ['heatmap'], control: { is: 'unit' } },
  {
    path: 'options.yAxis.decimals',
    label: 'Decimals',
    group: 'Axis',
    kinds: ['heatmap'],
    control: { is: 'number', min: 0, max: 20, step: 1 },
  },
  {
    path: 'options.yAxis.reverse',
    label: 'Upside down',
    group: 'Axis',
    kinds: ['heatmap'],
    control: { is: 'switch' },
    initial: false,
    words: 'reverse',
  },
  {
    path: 'options.bucketCount',
    label: 'Number of buckets',
    group: 'Drawing',
    kinds: ['histogram'],
    control: { is: 'number', min: 1, max: 400, step: 1, hint: '30' },
  },
  {
    path: 'options.bucketSize',
    label: 'Size of a bucket',
    group: 'Drawing',
    kinds: ['histogram'],
    control: { is: 'number', min: 0 },
    help: 'Counts more than their number.',
  },
  { path: 'options.bucketOffset', label: 'Buckets begin at', group: 'Drawing', kinds: ['histogram'], control: { is: 'number', hint: '0' } },
  {
    path: 'options.combine',
    label: 'All series as one',
    group: 'Drawing',
    kinds: ['histogram'],
    control: { is: 'switch' },
    initial: false,
  },
  // States.
  {
    path: 'options.mergeValues',
    label: 'Join equal states',
    group: 'Drawing',
    kinds: ['state-timeline'],
    control: { is: 'switch' },
    initial: true,
    words: 'merge',
  },
  {
    path: 'options.showValue',
    label: 'Words on the states',
    group: 'Drawing',
    kinds: STATES,
    control: {
      is: 'one',
      of: [
        ['auto', 'By room'],
        ['always', 'Always'],
        ['never', 'Never'],
      ],
    },
    initial: 'auto',
  },

  {
    path: 'options.rowHeight',
    label: 'Share of a row that is filled',
    group: 'Drawing',
    kinds: STATES,
    control: { is: 'number', min: 0.1, max: 1, step: 0.05, hint: '0.9' },
    words: 'row height',
  },

  // Time series.
  {
    path: custom('drawStyle'),
    label: 'Drawn as',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['line', 'Lines'],
        ['bars', 'Bars'],
        ['points', 'Points'],
      ],
    },
    initial: 'line',
    words: 'style',
  },
  {
    path: custom('lineInterpolation'),
    label: 'Lines are',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['linear', 'Straight'],
        ['smooth', 'Smooth'],
        ['stepBefore', 'Steps before'],
        ['stepAfter', 'Steps after'],
      ],
    },
    initial: 'linear',
    when: isLine,
    words: 'interpolation',
  },
  {
    path: custom('lineWidth'),
    label: 'Width of lines',
    group: 'Drawing',
    kinds: TIME,
    control: { is: 'number', min: 0, max: 10, step: 1, hint: '1' },
    initial: 1,
    when: (get) => get(custom('drawStyle')) !== 'points',
  },
  {
    path: custom('fillOpacity'),
    label: 'Filled, in percent',
    group: 'Drawing',
    kinds: TIME,
    control: { is: 'number', min: 0, max: 100, step: 5, hint: '0' },
    initial: 0,
    when: (get) => get(custom('drawStyle')) !== 'points',
    words: 'fill opacity area',
  },
  {
    path: custom('gradientMode'),
    label: 'Gradient',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['none', 'None'],
        ['opacity', 'Opacity'],
        ['hue', 'Hue'],
        ['scheme', 'Scale'],
      ],
    },
    initial: 'none',
    when: (get) => get(custom('drawStyle')) !== 'points',
  },
  {
    path: custom('fillBelowTo'),
    label: 'Fill down to the series',
    group: 'Drawing',
    kinds: TIME,
    control: { is: 'field' },
    when: isLine,
    words: 'band between',
  },
  {
    path: custom('lineStyle'),
    label: 'Line style',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'parts',
      of: [
        {
          at: 'fill',
          label: 'Stroke',
          control: {
            is: 'one',
            of: [
              ['solid', 'Whole'],
              ['dash', 'Dashes'],
              ['dot', 'Dots'],
            ],
          },
          initial: 'solid',
        },
      ],
    },
    when: isLine,
    words: 'dash dotted',
  },
  {
    path: custom('spanNulls'),
    label: 'Gaps',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        [false, 'Stay'],
        [true, 'Joined'],
        [60_000, 'Joined up to 1 min'],
        [300_000, 'Joined up to 5 min'],
        [3_600_000, 'Joined up to 1 h'],
      ],
    },
    initial: false,
    when: isLine,
    words: 'connect null values',
  },
  {
    path: custom('showPoints'),
    label: 'Points',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['auto', 'Where there is room'],
        ['always', 'Always'],
        ['never', 'Never'],
      ],
    },
    initial: 'auto',
    when: (get) => get(custom('drawStyle')) !== 'points',
  },
  {
    path: custom('pointSize'),
    label: 'Size of points',
    group: 'Drawing',
    kinds: TIME,
    control: { is: 'number', min: 1, max: 40, step: 1, hint: '5' },
    initial: 5,
  },
  {
    path: custom('stacking'),
    label: 'Stacking',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'parts',
      of: [
        { at: 'mode', label: 'Series stand', control: { is: 'one', of: NONE_OR }, initial: 'none' },
        {
          at: 'group',
          label: 'Stack',
          control: { is: 'text', hint: 'A' },
          initial: 'A',
          help: 'Series with the same name stand on each other.',
          when: (all) => all.mode === 'normal' || all.mode === 'percent',
        },
      ],
    },
    words: 'stack sum area',
  },
  {
    path: custom('transform'),
    label: 'Values',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['', 'As they are'],
        ['negative-Y', 'Below zero'],
        ['constant', 'The first, for ever'],
      ],
    },
    words: 'negative constant transform',
  },
  {
    path: custom('thresholdsStyle'),
    label: 'Thresholds on the chart',
    group: 'Drawing',
    kinds: TIME,
    control: {
      is: 'parts',
      of: [
        {
          at: 'mode',
          label: 'Thresholds',
          control: {
            is: 'one',
            of: [
              ['off', 'Hidden'],
              ['line', 'Lines'],
              ['dashed', 'Dashed lines'],
              ['area', 'Areas'],
              ['line+area', 'Lines and areas'],
              ['dashed+area', 'Dashes and areas'],
            ],
          },
          initial: 'off',
        },
      ],
    },
    words: 'threshold lines regions',
  },
  { path: custom('hideFrom'), label: 'Hidden', group: 'Drawing', kinds: TIME, control: { is: 'parts', of: HIDDEN }, words: 'hide' },
  {
    path: custom('hideFrom'),
    label: 'Hidden',
    group: 'Drawing',
    kinds: ['barchart', ...STATES],
    control: { is: 'parts', of: HIDDEN.slice(0, 1) },
    words: 'hide',
  },
  // Axes.
  {
    path: custom('axisPlacement'),
    label: 'Axis',
    group: 'Axis',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['auto', 'By unit'],
        ['left', 'Left'],
        ['right', 'Right'],
        ['hidden', 'Hidden'],
      ],
    },
    initial: 'auto',
    words: 'placement',
  },
  {
    path: custom('axisLabel'),
    label: 'Words on the axis',
    group: 'Axis',
    kinds: TIME,
    control: { is: 'text' },
    initial: '',
    words: 'label',
  },
  {
    path: custom('axisWidth'),
    label: 'Width of the axis',
    group: 'Axis',
    kinds: TIME,
    control: { is: 'number', min: 1, max: 500, step: 5 },
  },
  { path: custom('axisSoftMin'), label: 'At least down to', group: 'Axis', kinds: TIME, control: { is: 'number' }, words: 'soft min' },
  { path: custom('axisSoftMax'), label: 'At least up to', group: 'Axis', kinds: TIME, control: { is: 'number' }, words: 'soft max' },
  {
    path: custom('scaleDistribution'),
    label: 'Scale',
    group: 'Axis',
    kinds: TIME,
    control: {
      is: 'parts',
      of: [
        {
          at: 'type',
          label: 'Scale',
          control: {
            is: 'one',
            of: [
              ['linear', 'Linear'],
              ['log', 'Logarithmic'],
              ['symlog', 'Logarithmic, with zero'],
            ],
          },
          initial: 'linear',
        },
        {
          at: 'log',
          label: 'Base',
          control: {
            is: 'one',
            of: [
              [2, '2'],
              [10, '10'],
            ],
          },
          initial: 2,
          when: (all) => all.type === 'log',
        },
      ],
    },
    words: 'logarithmic log',
  },
  { path: custom('axisCenteredZero'), label: 'Zero in the middle', group: 'Axis', kinds: TIME, control: { is: 'switch' }, initial: false },
  {
    path: custom('axisGridShow'),
    label: 'Grid lines',
    group: 'Axis',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        [true, 'Shown'],
        [false, 'Hidden'],
      ],
    },
  },

  // Legend and tooltip.
  {
    path: 'options.legend.showLegend',
    label: 'Show the legend',
    group: 'Legend',
    kinds: ['timeseries', 'barchart', 'piechart', 'histogram', ...STATES],
    control: { is: 'switch' },
    initial: true,
  },
  {
    path: 'options.legend.displayMode',
    label: 'As',
    group: 'Legend',
    kinds: ['timeseries', 'piechart'],
    control: {
      is: 'one',
      of: [
        ['list', 'List'],
        ['table', 'Table'],
      ],
    },
    initial: 'list',
    when: is('options.legend.showLegend', true),
    words: 'legend mode',
  },
  {
    path: 'options.legend.placement',
    label: 'Place',
    group: 'Legend',
    kinds: ['timeseries', 'barchart', 'piechart', 'histogram'],
    control: {
      is: 'one',
      of: [
        ['bottom', 'Below'],
        ['right', 'Beside'],
      ],
    },
    initial: 'bottom',
    when: is('options.legend.showLegend', true),
    words: 'legend placement right bottom',
  },
  {
    path: 'options.legend.calcs',
    label: 'Values in the legend',
    group: 'Legend',
    kinds: TIME,
    control: { is: 'reducers' },
    initial: [],
    when: is('options.legend.showLegend', true),
    words: 'calculations min max mean',
  },
  {
    path: 'options.legend.values',
    label: 'Values in the legend',
    group: 'Legend',
    kinds: ['piechart'],
    control: {
      is: 'many',
      of: [
        ['value', 'Value'],
        ['percent', 'Percent'],
      ],
    },
    initial: [],
    when: is('options.legend.showLegend', true),
  },
  {
    path: 'options.legend.sortBy',
    label: 'Sorted by',
    group: 'Legend',
    kinds: TIME,
    control: { is: 'text', hint: 'Max' },
    when: (get) => get('options.legend.showLegend') === true && get('options.legend.displayMode') === 'table',
    help: 'The head of a column of the legend.',
    words: 'sort',
  },
  {
    path: 'options.legend.sortDesc',
    label: 'Highest first',
    group: 'Legend',
    kinds: TIME,
    control: { is: 'switch' },
    initial: false,
    when: (get) => get('options.legend.displayMode') === 'table' && !!get('options.legend.sortBy'),
    words: 'sort',
  },
  {
    path: 'options.tooltip.mode',
    label: 'Tooltip shows',
    group: 'Tooltip',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['single', 'The nearest'],
        ['multi', 'All'],
        ['none', 'Nothing'],
      ],
    },
    initial: 'single',
    words: 'hover',
  },
  {
    path: 'options.tooltip.sort',
    label: 'Order',
    group: 'Tooltip',
    kinds: TIME,
    control: {
      is: 'one',
      of: [
        ['none', 'As they come'],
        ['asc', 'Lowest first'],
        ['desc', 'Highest first'],
      ],
    },
    initial: 'none',
    when: is('options.tooltip.mode', 'multi'),
    words: 'sort',
  },

  // Table.
  { path: 'options.showHeader', label: 'Show the head', group: 'Table', kinds: ['table'], control: { is: 'switch' }, initial: true },
  {
    path: 'options.cellHeight',
    label: 'Height of rows',
    group: 'Table',
    kinds: ['table'],
    control: {
      is: 'one',
      of: [
        ['sm', 'Low'],
        ['md', 'Medium'],
        ['lg', 'High'],
      ],
    },
    initial: 'sm',
  },
  {
    path: 'options.sortBy',
    label: 'Sorted by',
    group: 'Table',
    kinds: ['table'],
    control: {
      is: 'items',
      name: 'displayName',
      fresh: { displayName: '', desc: false },
      of: [
        { at: 'displayName', label: 'Column', control: { is: 'field' } },
        { at: 'desc', label: 'Highest first', control: { is: 'switch' }, initial: false },
      ],
    },
    words: 'sort order',
  },
  {
    path: 'options.frameIndex',
    label: 'Number of the table',
    group: 'Table',
    kinds: ['table'],
    control: { is: 'number', min: 0, max: 100, step: 1, hint: '0' },
    help: 'Counted from 0, where queries give several.',
  },
  {
    path: 'options.footer.show',
    label: 'Row of totals',
    group: 'Table',
    kinds: ['table'],
    control: { is: 'switch' },
    initial: false,
    words: 'footer',
  },
  {
    path: 'options.footer.countRows',
    label: 'Count rows',
    group: 'Table',
    kinds: ['table'],
    control: { is: 'switch' },
    initial: false,
    when: is('options.footer.show', true),
    words: 'footer',
  },
  {
    path: 'options.footer.reducer',
    label: 'Total',
    group: 'Table',
    kinds: ['table'],
    control: { is: 'reducers', single: true },
    initial: ['sum'],
    when: (get) => get('options.footer.show') === true && get('options.footer.countRows') !== true,
    words: 'footer sum',
  },
  {
    path: 'options.footer.fields',
    label: 'Columns with totals',
    group: 'Table',
    kinds: ['table'],
    control: { is: 'fields' },
    when: (get) => get('options.footer.show') === true && get('options.footer.countRows') !== true,
    help: 'All numbers, unless you say.',
    words: 'footer',
  },
  {
    path: custom('cellOptions'),
    label: 'Cells',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'parts', of: CELLS },
    words: 'cell type colour background gauge sparkline json',
  },
  {
    path: custom('align'),
    label: 'Aligned',
    group: 'Cells',
    kinds: ['table'],
    control: {
      is: 'one',
      of: [
        ['auto', 'By value'],
        ['left', 'Left'],
        ['center', 'Middle'],
        ['right', 'Right'],
      ],
    },
    initial: 'auto',
  },
  {
    path: custom('filterable'),
    label: 'Filter in the head',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'switch' },
    initial: false,
    help: 'A funnel in the head opens the values of the column.',
    words: 'column filter filterable',
  },
  {
    path: custom('width'),
    label: 'Width of columns',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'number', min: 20, max: 2_000, step: 10 },
  },
  {
    path: custom('wrapText'),
    label: 'Break texts',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'switch' },
    initial: false,
    words: 'wrap',
  },
  { path: custom('hidden'), label: 'Hide the column', group: 'Cells', kinds: ['table'], control: { is: 'switch' }, initial: false },
  {
    path: custom('footer.reducers'),
    label: 'Total of the column',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'reducers', single: true },
    words: 'footer',
  },

  // Log lines.
  { path: 'options.showTime', label: 'Show times', group: 'Log lines', kinds: ['logs'], control: { is: 'switch' }, initial: true },
  { path: 'options.showLabels', label: 'Show labels', group: 'Log lines', kinds: ['logs'], control: { is: 'switch' }, initial: false },
  {
    path: 'options.wrapLogMessage',
    label: 'Break long lines',
    group: 'Log lines',
    kinds: ['logs'],
    control: { is: 'switch' },
    initial: true,
    words: 'wrap',
  },
  {
    path: 'options.enableLogDetails',
    label: 'Lines open',
    group: 'Log lines',
    kinds: ['logs'],
    control: { is: 'switch' },
    initial: true,
    words: 'details',
  },
  {
    path: 'options.dedupStrategy',
    label: 'Equal lines that follow each other',
    group: 'Log lines',
    kinds: ['logs'],
    control: {
      is: 'one',
      of: [
        ['none', 'All'],
        ['exact', 'Once'],
      ],
    },
    initial: 'none',
    words: 'deduplicate',
  },
  {
    path: 'options.sortOrder',
    label: 'Order',
    group: 'Log lines',
    kinds: ['logs'],
    control: {
      is: 'one',
      of: [
        ['Descending', 'Newest first'],
        ['Ascending', 'Oldest first'],
      ],
    },
    initial: 'Descending',
    words: 'sort',
  },

  // Of every field.
  {
    path: `${FIELD}unit`,
    label: 'Unit',
    group: 'Unit and name',
    kinds: VALUES,
    control: { is: 'unit' },
    words: 'bytes seconds percent format',
  },
  {
    path: `${FIELD}decimals`,
    label: 'Decimals',
    group: 'Unit and name',
    kinds: VALUES,
    control: { is: 'number', min: 0, max: 20, step: 1 },
  },
  { path: `${FIELD}min`, label: 'Least', group: 'Unit and name', kinds: VALUES, control: { is: 'number' }, words: 'min bound axis' },
  { path: `${FIELD}max`, label: 'Greatest', group: 'Unit and name', kinds: VALUES, control: { is: 'number' }, words: 'max bound axis' },
  {
    path: `${FIELD}fieldMinMax`,
    label: 'Bounds of each series for itself',
    group: 'Unit and name',
    kinds: ['stat', 'gauge', 'bargauge', 'table', 'barchart', 'state-timeline', 'status-history'],
    control: { is: 'switch' },
    initial: false,
    words: 'min max',
  },
  {
    path: `${FIELD}displayName`,
    label: 'Name',
    group: 'Unit and name',
    kinds: VALUES,
    control: { is: 'text', hint: '${__field.labels.job}' },
    words: 'display name rename',
  },
  {
    path: `${FIELD}noValue`,
    label: 'Where there is no value',
    group: 'Unit and name',
    kinds: ASKING,
    control: { is: 'text', hint: '–' },
    words: 'no value null empty',
  },
  {
    path: `${FIELD}description`,
    label: 'Description',
    group: 'Cells',
    kinds: ['table'],
    control: { is: 'text' },
    help: 'The tip on the head of the column.',
  },
  {
    path: `${FIELD}color`,
    label: 'Colour',
    group: 'Colour',
    kinds: VALUES.filter((kind) => kind !== 'heatmap'),
    control: { is: 'parts', of: COLOUR },
    initial: (kind) => ({ mode: PALETTES.includes(kind) ? 'palette-classic' : 'thresholds' }),
    words: 'color palette scheme fixed',
  },
  {
    path: `${FIELD}thresholds`,
    label: 'Thresholds',
    group: 'Thresholds',
    kinds: VALUES.filter((kind) => kind !== 'heatmap' && kind !== 'histogram'),
    control: { is: 'thresholds' },
    words: 'limit warning critical colour',
  },
  {
    path: `${FIELD}mappings`,
    label: 'Texts for values',
    group: 'Texts for values',
    kinds: VALUES.filter((kind) => kind !== 'heatmap' && kind !== 'histogram'),
    control: { is: 'mappings' },
    words: 'value mappings map range regex',
  },
  {
    path: `${FIELD}links`,
    label: 'Links on values',
    group: 'Links on values',
    kinds: ['stat', 'gauge', 'bargauge', 'table'],
    control: { is: 'links' },
    words: 'data links drill down url',
  },
  {
    path: 'links',
    label: 'Links of the panel',
    group: 'Links of the panel',
    kinds: EVERY,
    control: { is: 'links', ofPanel: true },
    words: 'url title',
  },
];

/** The options of a kind, in the order of groups. */
export function optionsOf(kind: Kind): Option[] {
  const groups = Object.keys(GROUPS);
  return OPTIONS.filter((one) => (one.kinds ?? ASKING).includes(kind)).sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group));
}
export const initialOf = (option: Option, kind: Kind): Json | undefined =>
  typeof option.initial === 'function' ? option.initial(kind) : option.initial;
