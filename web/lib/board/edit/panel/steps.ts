/** Transformations as data: what each does, and its options. */
import type { Obj } from '../draft.ts';
import type { Part, Pick } from './control.ts';

export interface Step {
  id: string;
  label: string;
  words: string;
  /** None for those without options; absent for those that are edited as JSON. */
  parts?: readonly Part[];
  fresh?: Obj;
  /** The columns are its options. */
  columns?: boolean;
}

const one = (of: readonly Pick[]) => ({ is: 'one' as const, of });
const CONDITIONS: readonly Pick[] = [
  ['greater', 'greater than'],
  ['greaterOrEqual', 'at least'],
  ['lower', 'less than'],
  ['lowerOrEqual', 'at most'],
  ['between', 'between'],
  ['equal', 'equal to'],
  ['notEqual', 'not equal to'],
  ['substring', 'holding'],
  ['notSubstring', 'not holding'],
  ['regex', 'fitting the expression'],
  ['isNull', 'nothing'],
  ['isNotNull', 'something'],
];
const id = (all: Obj): unknown => ((all.config as Obj | undefined) ?? {}).id;
const mode =
  (...modes: string[]) =>
  (all: Obj): boolean =>
    modes.includes(String(all.mode ?? 'reduceRow'));

export const STEPS: readonly Step[] = [
  {
    id: 'organize',
    label: 'Order, name and hide columns',
    words: 'organize fields rename reorder',
    columns: true,
    fresh: { excludeByName: {}, indexByName: {}, renameByName: {} },
  },
  {
    id: 'reduce',
    label: 'Reduce to one value each',
    words: 'calculate last mean',
    fresh: { reducers: ['lastNotNull'] },
    parts: [
      {
        at: 'mode',
        label: 'Result',
        control: one([
          ['seriesToRows', 'A row for each series'],
          ['reduceFields', 'One row'],
        ]),
        initial: 'seriesToRows',
      },
      { at: 'reducers', label: 'Values', control: { is: 'reducers' }, initial: ['max'] },
      {
        at: 'labelsToFields',
        label: 'Labels as columns',
        control: { is: 'switch' },
        initial: false,
        when: (all) => all.mode !== 'reduceFields',
      },
      { at: 'includeTimeField', label: 'Times as well', control: { is: 'switch' }, initial: false },
    ],
  },
  {
    id: 'joinByField',
    label: 'Join by a field',
    words: 'outer inner merge side by side',
    parts: [
      { at: 'byField', label: 'Field', control: { is: 'field' }, initial: '', help: 'The time, unless you say.' },
      {
        at: 'mode',
        label: 'Rows without a partner',
        control: one([
          ['outer', 'Stay'],
          ['outerTabular', 'Stay, all of several'],
          ['inner', 'Go'],
        ]),
        initial: 'outer',
      },
    ],
  },
  { id: 'merge', label: 'Merge into one table', words: 'combine rows', parts: [] },
  {
    id: 'filterFieldsByName',
    label: 'Keep columns by name',
    words: 'filter fields',
    parts: [
      { at: 'include.names', label: 'Keep', control: { is: 'fields' } },
      { at: 'include.pattern', label: 'Keep what fits', control: { is: 'text', mono: true, hint: '^cpu' } },
      { at: 'exclude.names', label: 'Leave out', control: { is: 'fields' } },
      { at: 'exclude.pattern', label: 'Leave out what fits', control: { is: 'text', mono: true } },
    ],
  },
  {
    id: 'filterByRefId',
    label: 'Keep queries',
    words: 'filter letter',
    parts: [
      { at: 'include', label: 'Keep', control: { is: 'text', mono: true, hint: 'A|B' } },
      { at: 'exclude', label: 'Leave out', control: { is: 'text', mono: true } },
    ],
  },
  {
    id: 'filterByValue',
    label: 'Keep rows by value',
    words: 'filter condition',
    fresh: { type: 'include', match: 'any', filters: [{ fieldName: '', config: { id: 'greater', options: { value: 0 } } }] },
    parts: [
      {
        at: 'type',
        label: 'Rows that fit',
        control: one([
          ['include', 'Stay'],
          ['exclude', 'Go'],
        ]),
        initial: 'include',
      },
      {
        at: 'match',
        label: 'They fit',
        control: one([
          ['any', 'Any condition'],
          ['all', 'All conditions'],
        ]),
        initial: 'any',
      },
      {
        at: 'filters',
        label: 'Conditions',
        control: {
          is: 'items',
          name: 'fieldName',
          fresh: { fieldName: '', config: { id: 'greater', options: { value: 0 } } },
          of: [
            { at: 'fieldName', label: 'Field', control: { is: 'field' } },
            { at: 'config.id', label: 'Is', control: one(CONDITIONS), initial: 'greater' },
            {
              at: 'config.options.value',
              label: 'Number',
              control: { is: 'number' },
              when: (all) => ['greater', 'greaterOrEqual', 'lower', 'lowerOrEqual'].includes(String(id(all))),
            },
            {
              at: 'config.options.value',
              label: 'Text',
              control: { is: 'text' },
              when: (all) => ['equal', 'notEqual', 'substring', 'notSubstring', 'regex'].includes(String(id(all))),
            },
            { at: 'config.options.from', label: 'From', control: { is: 'number' }, when: (all) => id(all) === 'between' },
            { at: 'config.options.to', label: 'To', control: { is: 'number' }, when: (all) => id(all) === 'between' },
          ],
        },
      },
    ],
  },
  {
    id: 'calculateField',
    label: 'Add a column that is calculated',
    words: 'add field binary sum difference',
    fresh: { mode: 'binary', binary: { left: '', operator: '+', right: '' } },
    parts: [
      {
        at: 'mode',
        label: 'Calculated of',
        control: one([
          ['binary', 'Two values'],
          ['reduceRow', 'All in the row'],
          ['unary', 'One value'],
          ['cumulativeFunctions', 'Everything so far'],
          ['windowFunctions', 'A window of rows'],
          ['index', 'The number of the row'],
        ]),
        initial: 'reduceRow',
      },
      { at: 'binary.left', label: 'Field or number', control: { is: 'field' }, when: mode('binary') },
      {
        at: 'binary.operator',
        label: 'Operator',
        control: one([
          ['+', '+'],
          ['-', '−'],
          ['*', '×'],
          ['/', '÷'],
          ['%', '%'],
          ['^', '^'],
          ['>', '>'],
          ['<', '<'],
          ['>=', '≥'],
          ['<=', '≤'],
          ['=', '='],
          ['!=', '≠'],
        ]),
        initial: '+',
        when: mode('binary'),
      },
      { at: 'binary.right', label: 'Field or number', control: { is: 'field' }, when: mode('binary') },
      { at: 'reduce.reducer', label: 'Value', control: { is: 'reducer' }, initial: 'sum', when: mode('reduceRow') },
      {
        at: 'reduce.include',
        label: 'Of the fields',
        control: { is: 'fields' },
        when: mode('reduceRow'),
        help: 'All numbers, unless you say.',
      },
      {
        at: 'unary.operator',
        label: 'Function',
        control: one([
          ['abs', 'Without sign'],
          ['round', 'Rounded'],
          ['floor', 'Rounded down'],
          ['ceil', 'Rounded up'],
          ['sqrt', 'Square root'],
          ['exp', 'e to the power'],
          ['ln', 'Natural logarithm'],
        ]),
        initial: 'abs',
        when: mode('unary'),
      },
      { at: 'unary.fieldName', label: 'Field', control: { is: 'field' }, when: mode('unary') },
      { at: 'cumulative.field', label: 'Field', control: { is: 'field' }, when: mode('cumulativeFunctions') },
      {
        at: 'cumulative.reducer',
        label: 'Value',
        control: one([
          ['sum', 'Total'],
          ['mean', 'Mean'],
        ]),
        initial: 'mean',
        when: mode('cumulativeFunctions'),
      },
      { at: 'window.field', label: 'Field', control: { is: 'field' }, when: mode('windowFunctions') },
      {
        at: 'window.reducer',
        label: 'Value',
        control: one([
          ['mean', 'Mean'],
          ['variance', 'Variance'],
          ['stddev', 'Standard deviation'],
        ]),
        initial: 'mean',
        when: mode('windowFunctions'),
      },
      {
        at: 'window.windowSizeMode',
        label: 'Size is',
        control: one([
          ['percentage', 'A share'],
          ['fixed', 'Rows'],
        ]),
        initial: 'percentage',
        when: mode('windowFunctions'),
      },
      {
        at: 'window.windowSize',
        label: 'Size',
        control: { is: 'number', min: 0, max: 10_000 },
        initial: 0.1,
        when: mode('windowFunctions'),
      },
      {
        at: 'window.windowAlignment',
        label: 'Stands',
        control: one([
          ['trailing', 'Before the row'],
          ['centered', 'Around the row'],
        ]),
        initial: 'trailing',
        when: mode('windowFunctions'),
      },
      { at: 'index.asPercentile', label: 'As a share', control: { is: 'switch' }, initial: false, when: mode('index') },
      { at: 'alias', label: 'Name', control: { is: 'text' } },
      { at: 'replaceFields', label: 'Leave out all others', control: { is: 'switch' }, initial: false },
    ],
  },
  {
    id: 'groupBy',
    label: 'Group rows',
    words: 'aggregate sum by',
    parts: [
      {
        at: 'fields',
        label: 'Columns',
        control: {
          is: 'byField',
          of: [
            {
              at: 'operation',
              label: 'The column',
              control: one([
                ['', 'Goes'],
                ['groupby', 'Groups'],
                ['aggregate', 'Is reduced'],
              ]),
            },
            { at: 'aggregations', label: 'To', control: { is: 'reducers' }, when: (all) => all.operation === 'aggregate' },
          ],
        },
      },
    ],
  },
  {
    id: 'sortBy',
    label: 'Sort rows',
    words: 'order',
    fresh: { fields: {}, sort: [{ field: '', desc: false }] },
    parts: [
      {
        at: 'sort',
        label: 'Sorted by',
        control: {
          is: 'items',
          name: 'field',
          fresh: { field: '', desc: false },
          of: [
            { at: 'field', label: 'Field', control: { is: 'field' } },
            { at: 'desc', label: 'Highest first', control: { is: 'switch' }, initial: false },
          ],
        },
      },
    ],
  },
  {
    id: 'limit',
    label: 'Keep the first rows',
    words: 'limit top',
    parts: [{ at: 'limitField', label: 'Rows', control: { is: 'number', min: 0, max: 100_000, step: 1, hint: '10' } }],
  },
  {
    id: 'renameByRegex',
    label: 'Rename by an expression',
    words: 'regex replace',
    fresh: { regex: '(.*)', renamePattern: '$1' },
    parts: [
      { at: 'regex', label: 'Expression', control: { is: 'text', mono: true } },
      { at: 'renamePattern', label: 'New name', control: { is: 'text', mono: true, hint: '$1' } },
    ],
  },
  {
    id: 'convertFieldType',
    label: 'Change the type of columns',
    words: 'convert number text time',
    fresh: { conversions: [{ targetField: '', destinationType: 'number' }] },
    parts: [
      {
        at: 'conversions',
        label: 'Columns',
        control: {
          is: 'items',
          name: 'targetField',
          fresh: { targetField: '', destinationType: 'number' },
          of: [
            { at: 'targetField', label: 'Field', control: { is: 'field' } },
            {
              at: 'destinationType',
              label: 'Becomes',
              control: one([
                ['number', 'Number'],
                ['string', 'Text'],
                ['time', 'Time'],
                ['boolean', 'Yes or no'],
              ]),
              initial: 'number',
            },
          ],
        },
      },
    ],
  },
  {
    id: 'labelsToFields',
    label: 'Labels as columns',
    words: 'labels to fields rows',
    parts: [
      {
        at: 'mode',
        label: 'Labels become',
        control: one([
          ['columns', 'Columns'],
          ['rows', 'Rows'],
        ]),
        initial: 'columns',
      },
      { at: 'keepLabels', label: 'Only these', control: { is: 'words', hint: 'job, instance' } },
      { at: 'valueLabel', label: 'Label that names the value', control: { is: 'text', mono: true }, when: (all) => all.mode !== 'rows' },
    ],
  },
  {
    id: 'joinByLabels',
    label: 'Series as columns, by a label',
    words: 'join by labels',
    fresh: { value: '' },
    parts: [
      { at: 'value', label: 'Label whose values are columns', control: { is: 'text', mono: true } },
      { at: 'join', label: 'Labels of the rows', control: { is: 'words', hint: 'job, instance' } },
    ],
  },
  { id: 'seriesToRows', label: 'Series below each other', words: 'series to rows', parts: [] },
  {
    id: 'prepareTimeSeries',
    label: 'Series in another form',
    words: 'prepare time series wide long',
    parts: [
      {
        at: 'format',
        label: 'Form',
        control: one([
          ['multi', 'Each for itself'],
          ['wide', 'Beside each other'],
          ['long', 'Below each other'],
        ]),
        initial: 'multi',
      },
    ],
  },
  { id: 'timeSeriesTable', label: 'A row with a small chart for each series', words: 'sparkline trend', parts: [] },
  {
    id: 'groupingToMatrix',
    label: 'Table of two columns',
    words: 'matrix pivot',
    parts: [
      { at: 'columnField', label: 'Columns', control: { is: 'field' }, initial: 'Time' },
      { at: 'rowField', label: 'Rows', control: { is: 'field' }, initial: 'Time' },
      { at: 'valueField', label: 'Cells', control: { is: 'field' }, initial: 'Value' },
      {
        at: 'emptyValue',
        label: 'Empty cells',
        control: one([
          ['null', 'Nothing'],
          ['zero', 'Zero'],
          ['empty', 'Empty text'],
          ['true', 'True'],
          ['false', 'False'],
        ]),
        initial: 'null',
      },
    ],
  },
  {
    id: 'partitionByValues',
    label: 'A table for each value',
    words: 'partition split',
    parts: [
      { at: 'fields', label: 'Fields', control: { is: 'fields' } },
      { at: 'naming.asLabels', label: 'Values as labels', control: { is: 'switch' }, initial: false },
      { at: 'keepFields', label: 'Keep the fields', control: { is: 'switch' }, initial: false },
    ],
  },
  {
    id: 'extractFields',
    label: 'Take texts apart',
    words: 'extract json key value',
    parts: [
      { at: 'source', label: 'Field', control: { is: 'field' } },
      {
        at: 'format',
        label: 'Form',
        control: one([
          ['json', 'JSON'],
          ['kvp', 'key=value'],
          ['auto', 'As it looks'],
        ]),
        initial: 'json',
      },
      { at: 'replace', label: 'Leave out all others', control: { is: 'switch' }, initial: false },
      { at: 'keepTime', label: 'Keep the time', control: { is: 'switch' }, initial: false, when: (all) => all.replace === true },
    ],
  },
  {
    id: 'formatTime',
    label: 'Write times as text',
    words: 'format date',
    parts: [
      { at: 'timeField', label: 'Field', control: { is: 'field' } },
      { at: 'outputFormat', label: 'Form', control: { is: 'text', mono: true, hint: 'YYYY-MM-DD HH:mm:ss' } },
    ],
  },
  {
    id: 'concatenate',
    label: 'All columns in one table',
    words: 'concatenate',
    parts: [
      {
        at: 'frameNameMode',
        label: 'Names of tables',
        control: one([
          ['field', 'Go'],
          ['label', 'As a label'],
        ]),
        initial: 'field',
      },
      {
        at: 'frameNameLabel',
        label: 'Label',
        control: { is: 'text', mono: true, hint: 'frame' },
        when: (all) => all.frameNameMode === 'label',
      },
    ],
  },
  {
    id: 'histogram',
    label: 'Count values into buckets',
    words: 'histogram',
    parts: [
      { at: 'bucketCount', label: 'Number of buckets', control: { is: 'number', min: 1, max: 400, step: 1, hint: '30' } },
      { at: 'bucketSize', label: 'Size of a bucket', control: { is: 'number', min: 0 } },
      { at: 'bucketOffset', label: 'Buckets begin at', control: { is: 'number', hint: '0' } },
      { at: 'combine', label: 'All series as one', control: { is: 'switch' }, initial: false },
    ],
  },
  {
    id: 'heatmap',
    label: 'Count values into a heatmap',
    words: 'heatmap buckets',
    parts: [
      {
        at: 'xBuckets.mode',
        label: 'Columns by',
        control: one([
          ['size', 'Their length'],
          ['count', 'Their number'],
        ]),
        initial: 'size',
      },
      { at: 'xBuckets.value', label: 'Length or number', control: { is: 'text', mono: true, hint: '1m' } },
      {
        at: 'yBuckets.mode',
        label: 'Rows by',
        control: one([
          ['size', 'Their size'],
          ['count', 'Their number'],
        ]),
        initial: 'size',
      },
      { at: 'yBuckets.value', label: 'Size or number', control: { is: 'text', mono: true } },
    ],
  },
  { id: 'append', label: 'Rows of all tables below each other', words: 'append', parts: [] },
  {
    id: 'transpose',
    label: 'Turn rows and columns',
    words: 'transpose pivot',
    parts: [
      { at: 'firstFieldName', label: 'Name of the first column', control: { is: 'text' } },
      { at: 'restFieldsName', label: 'Name of the others', control: { is: 'text' } },
    ],
  },
  { id: 'rowsToFields', label: 'Rows as columns', words: 'rows to fields' },
  {
    id: 'configFromData',
    label: 'Looks from a query',
    words: 'config from data thresholds',
    fresh: { configRefId: 'config', mappings: [] },
  },
];
/** Older names. */
export const stepOf = (id: string): Step | undefined => STEPS.find((step) => step.id === (id === 'seriesToColumns' ? 'joinByField' : id));
