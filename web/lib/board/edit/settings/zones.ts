/** Time zones by name, as browsers know them, each with how far it is from UTC today. No DOM. */
import type { Choice } from '../parts/choose.tsx';

let known: Choice[] | undefined;

/** How far a zone is from UTC at a moment: `UTC+05:30`. */
export function offset(zone: string, at: Date): string {
  const said =
    new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
      .formatToParts(at)
      .find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  return said.replace('GMT', 'UTC').replace(/[+-]00:00$/, '');
}

/** Every zone that has a name; those of one name for UTC are left out. */
export function zones(): readonly Choice[] {
  const now = new Date();
  known ??= Intl.supportedValuesOf('timeZone')
    .filter((zone) => zone.includes('/') && !zone.startsWith('Etc/'))
    .map((zone) => ({ value: zone, label: zone.replaceAll('_', ' '), hint: offset(zone, now) }));
  return known;
}
