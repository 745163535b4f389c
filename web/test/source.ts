/** Source files as tests search them. */
import { readFileSync } from 'node:fs';

/** The text of a file with each call and list on one line, however it is formatted. */
export function source(path: string): string {
  return readFileSync(path, 'utf8')
    .replace(/\s+/g, ' ')
    .replace(/([([]) /g, '$1')
    .replace(/,? ([)\]])/g, '$1');
}
