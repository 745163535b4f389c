/** A field for JSON: what is none is said with its place, and not taken. */
import { useEffect, useState } from 'preact/hooks';
import type { Json } from '../draft.ts';
import { TextField } from '../parts/text.tsx';
import { t } from '../../../words.ts';
import { same } from './path.ts';

const CHARS_MAX = 200_000;

export function JsonField({
    label,
    help,
    value,
    onChange,
}: {
    label: string;
    help?: string;
    value: Json;
    onChange: (value: Json) => void;
}) {
    const [typed, set] = useState(() => JSON.stringify(value, null, 2)),
        [wrong, say] = useState('');
    useEffect(() => {
        try {
            if (same(JSON.parse(typed), value)) return;
        } catch {
            return;
        }
        set(JSON.stringify(value, null, 2));
    }, [value]);
    const take = (all: string) => {
        set(all);
        try {
            onChange(JSON.parse(all) as Json);
            say('');
        } catch (e) {
            say(t('This is no JSON: {}', (e as Error).message));
        }
    };
    return (
        <TextField
            label={label}
            {...(help ? { help } : {})}
            error={wrong}
            mono
            wide
            rows={6}
            max={CHARS_MAX}
            value={typed}
            onChange={take}
        />
    );
}
