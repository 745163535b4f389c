/** Conditions on labels that a variable for filters has: those a reader begins with, and those that always hold. */
import plus from 'icon:plus';
import bin from 'icon:trash-2';
import type { Json, Obj } from '../draft.ts';
import { Combo } from '../parts/combo.tsx';
import { Select } from '../parts/choose.tsx';
import { Icon, IconButton } from '../parts/icon.tsx';
import { TextField } from '../parts/text.tsx';
import { useLabels } from './fetched.ts';
import type { VariableJson } from './variable.ts';
import { t } from './words.ts';

const OPERATORS = ['=', '!=', '=~', '!~', '<', '>'];
/** Most conditions of one kind, as the server takes them. */
const CONDITIONS_MAX = 25;

export function Conditions({
    one,
    put,
    logs,
}: {
    one: VariableJson;
    put: (name: string, value: Json, merge?: string) => void;
    logs: boolean;
}) {
    const labels = useLabels(logs, '');
    const part = (name: 'filters' | 'baseFilters', title: string, add: string) => {
        const all = Array.isArray(one[name]) ? (one[name] as Obj[]) : [];
        const change = (at: number, key: string, value: string) =>
            put(
                name,
                all.map((f, i) => (i === at ? { ...f, [key]: value } : f)),
                `${name}${at}${key}`,
            );
        return (
            <fieldset class="es-conds wide">
                <legend>{title}</legend>
                {all.map((f, at) => (
                    <div key={at} class="es-cond">
                        <Combo
                            quiet
                            mono
                            free
                            label={t('label')}
                            placeholder={t('label')}
                            value={String(f.key ?? '')}
                            options={labels.map((label) => ({ value: label, label }))}
                            onChange={(value) => change(at, 'key', value)}
                        />
                        <Select
                            quiet
                            label={t('operator')}
                            value={String(f.operator ?? '=')}
                            options={OPERATORS.map((value) => ({ value, label: value }))}
                            onChange={(value) => change(at, 'operator', value)}
                        />
                        <TextField
                            quiet
                            mono
                            label={t('value')}
                            placeholder={t('value')}
                            value={String(f.value ?? '')}
                            max={1000}
                            onChange={(value) => change(at, 'value', value)}
                        />
                        <IconButton
                            svg={bin}
                            bad
                            label={t('Remove {}', `${f.key ?? ''} ${f.operator ?? ''} ${f.value ?? ''}`)}
                            onPress={() =>
                                put(
                                    name,
                                    all.filter((_, i) => i !== at),
                                )
                            }
                        />
                    </div>
                ))}
                {all.length < CONDITIONS_MAX && (
                    <button type="button" class="btn sm" onClick={() => put(name, [...all, { key: '', operator: '=', value: '' }])}>
                        <Icon svg={plus} />
                        {add}
                    </button>
                )}
            </fieldset>
        );
    };
    return (
        <>
            {part('filters', t('At first'), t('Add a condition'))}
            {part('baseFilters', t('Always, and out of the reader’s sight'), t('Add one that always holds'))}
        </>
    );
}
