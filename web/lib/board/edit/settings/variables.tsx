/** The variables of a dashboard: the list, and what is added, moved and removed there. */
import alert from 'icon:triangle-alert';
import type { Draft } from '../draft.ts';
import type { Host } from '../host.ts';
import { Icon } from '../parts/icon.tsx';
import { Listed } from './list.tsx';
import { type Known, useOffered } from './offered.ts';
import { definition } from './query.ts';
import { usesOf } from './uses.ts';
import { type VariableJson, freeName, fresh, kindName, variablesIn, variablesOf } from './variable.ts';
import { VariableForm } from './variable_form.tsx';
import { n, t } from './words.ts';

/** Most variables, as the server reads them. */
const VARIABLES_MAX = 100;

export function Variables({ host, draft }: { host: Host; draft: Draft }) {
    const json = draft.json,
        list = variablesOf(json),
        known = useOffered(host, json),
        names = list.map((one) => one.name);
    const add = () =>
        draft.change(t('Add a variable'), (now) => {
            variablesIn(now).push(fresh('query', freeName('variable', names)));
        });
    const copy = (at: number) =>
        draft.change(t('Copy a variable'), (now) => {
            const all = variablesIn(now),
                one = all[at];
            if (one) all.splice(at + 1, 0, { ...structuredClone(one), name: freeName(`${one.name}_copy`, names) });
        });
    const move = (items: VariableJson[]) =>
        draft.change(t('Move a variable'), (now) => {
            const all = variablesIn(now);
            all.splice(0, all.length, ...structuredClone(items));
        });
    const remove = (at: number) =>
        draft.change(t('Remove the variable {}', list[at]?.name ?? ''), (now) => {
            variablesIn(now).splice(at, 1);
        });
    const warn = (one: VariableJson) => {
        const { panels, others } = usesOf(json, one.name);
        return panels.length + others.length
            ? t(
                  '{} is used by {}. What names it there will stand as it is written.',
                  `$${one.name}`,
                  [...(panels.length ? [n(panels.length, '{} panel', '{} panels')] : []), ...others].join(t(', ')),
              )
            : '';
    };
    return (
        <>
            {known.error && (
                <p class="crit-t" role="status">
                    {known.error}
                </p>
            )}
            <Listed
                items={list}
                named={(one) => `$${one.name}`}
                add={t('Add a variable')}
                onAdd={() => {
                    if (list.length < VARIABLES_MAX) add();
                }}
                onCopy={copy}
                onMove={move}
                onRemove={remove}
                warn={warn}
                empty={t(
                    'Variables put choices into the bar of a dashboard: a host, a job, an interval. Queries and titles name them as $name.',
                )}
                row={(one) => <Row one={one} draft={draft} known={known} />}
                form={(one, at) => <VariableForm draft={draft} one={one} at={at} known={known} />}
            />
        </>
    );
}

function Row({ one, draft, known }: { one: VariableJson; draft: Draft; known: Known }) {
    const { panels, others } = usesOf(draft.json, one.name),
        offered = known.list.find((other) => other.name === one.name);
    // Conditions go into queries without being named there.
    const isIdle = !panels.length && !others.length && one.type !== 'adhoc' && one.type !== 'groupby';
    return (
        <>
            <span class="mono" dir="ltr">
                {one.name}
            </span>
            <span class="es-kind">{kindName(one.type)}</span>
            <span class="mono ell dim" dir="ltr">
                {definition(one)}
            </span>
            {offered?.error ? (
                <span class="tag warn" title={offered.error}>
                    <Icon svg={alert} />
                    {t('no values')}
                </span>
            ) : null}
            {isIdle ? (
                <span class="tag">{t('not used')}</span>
            ) : (
                <span class="dim nowrap">{panels.length ? n(panels.length, '{} panel', '{} panels') : others[0]}</span>
            )}
        </>
    );
}
