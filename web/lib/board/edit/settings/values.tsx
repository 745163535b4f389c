/** The values that a variable offers now; those that are pressed are chosen at first. */
import { useState } from 'preact/hooks';
import type { Known } from './offered.ts';
import { type VariableJson, chosen, withChosen } from './variable.ts';
import type { Setter } from './variable_form.tsx';
import { n, t } from './words.ts';

/** Values that are shown before somebody asks for more. */
const SHOWN_MAX = 40;

export function Values({ one, known, set }: { one: VariableJson; known: Known; set: Setter }) {
    const [whole, setWhole] = useState(false);
    const offered = known.list.find((other) => other.name === one.name),
        now = chosen(one);
    const found: [string, string][] = offered?.choices ?? [],
        all: [string, string][] = one.includeAll === true ? [['All', '$__all'], ...found] : found;
    // What was chosen and is not offered stays in sight.
    const pairs: [string, string][] = [
        ...now.filter((value) => !all.some(([, other]) => other === value)).map((value): [string, string] => [value, value]),
        ...all,
    ];
    const shown = whole ? pairs : pairs.slice(0, SHOWN_MAX),
        hidden = pairs.length - shown.length;
    const press = (pair: [string, string]) =>
        set((was) => {
            const isOn = now.includes(pair[1]),
                rest = pairs.filter(([, value]) => now.includes(value) && value !== pair[1]);
            return withChosen(
                was,
                was.multi === true
                    ? isOn
                        ? rest
                        : pair[1] === '$__all'
                          ? [pair]
                          : [...rest.filter(([, value]) => value !== '$__all'), pair]
                    : isOn
                      ? []
                      : [pair],
            );
        });
    return (
        <div class="es-values" role="group" aria-label={t('Values now; press those that are chosen at first')} aria-busy={known.isRunning}>
            <p class="dim">
                {offered?.error
                    ? null
                    : pairs.length
                      ? t('Values now; press those that are chosen at first')
                      : known.isRunning
                        ? t('Asking …')
                        : t('No values.')}
            </p>
            {offered?.error && (
                <p class="crit-t" role="status">
                    {offered.error}
                </p>
            )}
            <div class="lbs">
                {shown.map((pair, at) => (
                    <button
                        key={`${at}:${pair[1]}`}
                        type="button"
                        class="chip"
                        aria-pressed={now.includes(pair[1])}
                        title={pair[0] === pair[1] ? undefined : pair[1]}
                        onClick={() => press(pair)}
                    >
                        <bdi>{pair[1] === '$__all' ? t('All') : pair[0]}</bdi>
                    </button>
                ))}
                {hidden > 0 && (
                    <button type="button" class="btn g sm" onClick={() => setWhole(true)}>
                        {n(hidden, '{} more value', '{} more values')}
                    </button>
                )}
            </div>
            {offered && offered.more > 0 && (
                <p class="dim">{n(offered.more, 'and {} more value that is not listed', 'and {} more values that are not listed')}</p>
            )}
        </div>
    );
}
