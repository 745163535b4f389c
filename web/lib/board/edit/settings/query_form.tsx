/** What a variable asks metrics or logs for, put together from parts or written by hand. */
import { useRef } from 'preact/hooks';
import { Select } from '../parts/choose.tsx';
import { Combo } from '../parts/combo.tsx';
import { QueryField } from '../parts/query.tsx';
import { TextField } from '../parts/text.tsx';
import { useLabels } from './fetched.ts';
import { type Form, type Wanted, asked, asking, forms, wanted, write } from './query.ts';
import type { VariableJson } from './variable.ts';
import type { Setter } from './variable_form.tsx';
import { t } from './words.ts';

export function QueryForm({ one, logs, set }: { one: VariableJson; logs: boolean; set: Setter }) {
    // What is typed stays as it is typed, spaces included, until the JSON says something else.
    const typed = useRef<Wanted | null>(null),
        want = typed.current && write(typed.current) === asked(one) ? typed.current : wanted(one);
    const labels = useLabels(logs, want.form === 'values' ? want.of : '');
    const put = (next: Partial<Wanted>, merge = '') => {
        typed.current = { ...want, ...next };
        set((now) => asking(now, { ...want, ...next }, logs), merge);
    };
    // Logs know two of the forms; what else stands there is shown as it is.
    const known = forms(logs),
        options = known.some(([form]) => form === want.form) ? known : [...known, ...forms(false).filter(([form]) => form === want.form)];
    const language = logs ? ('logql' as const) : ('promql' as const),
        selects = (label: string) => (
            <QueryField
                wide
                label={label}
                help={t('Empty for all of them. Variables above this one may stand in it.')}
                language={language}
                value={want.of}
                onChange={(of) => put({ of }, 'of')}
            />
        );
    return (
        <>
            <Select
                label={t('Values are')}
                value={want.form}
                options={options.map(([value, label]) => ({ value, label }))}
                onChange={(form: Form) => put({ form })}
            />
            {want.form === 'values' && (
                <Combo
                    label={t('Which label')}
                    mono
                    free
                    value={want.label}
                    options={labels.map((label) => ({ value: label, label }))}
                    onChange={(label) => put({ label })}
                />
            )}
            {(want.form === 'values' || (want.form === 'names' && !logs)) &&
                selects(logs ? t('Only of these streams') : t('Only of these series'))}
            {want.form === 'metrics' && (
                <TextField
                    wide
                    mono
                    label={t('Names that match')}
                    help={t('A regular expression: node_.*')}
                    value={want.of}
                    max={2000}
                    onChange={(of) => put({ of }, 'of')}
                />
            )}
            {want.form === 'result' && (
                <QueryField
                    wide
                    label={t('Query')}
                    help={t(
                        'Each series of the answer is a value: name{labels} number time. A regular expression takes the part that is wanted.',
                    )}
                    language="promql"
                    value={want.of}
                    onChange={(of) => put({ of }, 'of')}
                />
            )}
            {want.form === 'series' && (
                <QueryField wide label={t('Selector')} language="promql" value={want.of} onChange={(of) => put({ of }, 'of')} />
            )}
            {want.form === 'text' && (
                <TextField
                    wide
                    mono
                    label={t('Query')}
                    help={t('label_values(up, job), label_names(up), metrics(node_.*), query_result(topk(5, up)), or a selector')}
                    value={want.of}
                    onChange={(of) => put({ of }, 'of')}
                />
            )}
        </>
    );
}
