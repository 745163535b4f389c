/** Colours that programs write for terminals, as spans with classes; everything else of such sequences is dropped. */
import { escape } from '../html.ts';

// A sequence: ESC [ parameters, then one letter; or ESC and one other sign.
const SEQUENCE = /\u001b(?:\[([0-9;:]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[^[\]])?/g;

export const hasAnsi = (text: string): boolean => text.includes('\u001b');
export const stripped = (text: string): string => (hasAnsi(text) ? text.replace(SEQUENCE, '') : text);

interface Look {
  fg: string;
  bg: string;
  on: Set<string>;
}

/** The classes after the numbers of one sequence. */
function turn(look: Look, numbers: number[]): void {
  for (let i = 0; i < numbers.length; i++) {
    const n = numbers[i] ?? 0;
    if (n === 0) {
      look.fg = look.bg = '';
      look.on.clear();
    } else if (n === 1) look.on.add('bo');
    else if (n === 2) look.on.add('di');
    else if (n === 3) look.on.add('it');
    else if (n === 4) look.on.add('un');
    else if (n === 22) {
      look.on.delete('bo');
      look.on.delete('di');
    } else if (n === 23) look.on.delete('it');
    else if (n === 24) look.on.delete('un');
    else if (n >= 30 && n <= 37) look.fg = `f${n - 30}`;
    else if (n >= 90 && n <= 97) look.fg = `f${n - 90}`;
    else if (n === 39) look.fg = '';
    else if (n >= 40 && n <= 47) look.bg = `g${n - 40}`;
    else if (n >= 100 && n <= 107) look.bg = `g${n - 100}`;
    else if (n === 49) look.bg = '';
    else if (n === 38 || n === 48) {
      // 256 colours and true colours: the sixteen plain ones are shown, others keep the text's colour.
      const short = numbers[i + 1] === 5,
        plain = numbers[i + 2] ?? 99;
      if (short && plain < 16) {
        if (n === 38) look.fg = `f${plain % 8}`;
        else look.bg = `g${plain % 8}`;
      }
      i += short ? 2 : 4;
    }
  }
}

/** HTML with every text of `text` escaped. */
export function coloured(text: string): string {
  const look: Look = { fg: '', bg: '', on: new Set() };
  let out = '',
    at = 0;
  const put = (part: string) => {
    if (!part) return;
    const classes = [look.fg, look.bg, ...look.on].filter(Boolean).join(' ');
    out += classes ? `<span class="an ${classes}">${escape(part)}</span>` : escape(part);
  };
  for (const m of text.matchAll(SEQUENCE)) {
    put(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[2] === 'm') turn(look, (m[1] ?? '').split(/[;:]/).map(Number));
  }
  put(text.slice(at));
  return out;
}
