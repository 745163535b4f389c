/** What makes one value of many, and texts of units. */
import type { Choice } from '../parts/choose.tsx';
import { t } from '../../../words.ts';

const REDUCERS: readonly (readonly [string, string])[] = [
  ['lastNotNull', 'Last'],
  ['last', 'Last, even if empty'],
  ['firstNotNull', 'First'],
  ['first', 'First, even if empty'],
  ['min', 'Lowest'],
  ['max', 'Highest'],
  ['mean', 'Mean'],
  ['median', 'Median'],
  ['sum', 'Total'],
  ['count', 'Count'],
  ['range', 'Range'],
  ['delta', 'Increase'],
  ['diff', 'Difference'],
  ['diffperc', 'Difference in percent'],
  ['step', 'Smallest step'],
  ['stdDev', 'Standard deviation'],
  ['variance', 'Variance'],
  ['logmin', 'Lowest above zero'],
  ['changeCount', 'Number of changes'],
  ['distinctCount', 'Number of different values'],
  ['allIsZero', 'All are zero'],
  ['allIsNull', 'All are empty'],
  ['allValues', 'All values'],
  ['uniqueValues', 'All different values'],
  ['p50', '50th percentile'],
  ['p90', '90th percentile'],
  ['p95', '95th percentile'],
  ['p99', '99th percentile'],
];
/** The words of reducers, for the check that all have Arabic. */
export const REDUCER_WORDS: readonly string[] = REDUCERS.map(([, label]) => label);
export const reducers = (): Choice[] => REDUCERS.map(([value, label]) => ({ value, label: t(label), hint: value }));
export const reducerName = (id: string): string => {
  const known = REDUCERS.find(([value]) => value === id);
  return known ? t(known[1]) : id;
};

let units: Promise<Choice[]> | null = null;
/** Every unit that is known; those of one's own besides. */
export function allUnits(): Promise<Choice[]> {
  units ??= fetch('/ui/units', { headers: { 'x-requested-with': 'pharos' } })
    .then(async (res) => {
      if (!res.ok) throw new Error(String(res.status));
      return ((await res.json()) as [string, [string, string][]][]).flatMap(([group, all]) =>
        all.map(([value, label]) => ({ value, label, group })),
      );
    })
    .catch(() => {
      units = null;
      return [];
    });
  return units;
}
