/** A field for tags: chips, and a place to type the next one. */
import { useState } from 'preact/hooks';
import x from 'icon:x';
import { Field, type Said } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { t } from './words.ts';

/** Most tags, and the longest, as the server takes them. */
const TAGS_MAX = 50,
    CHARS_MAX = 100;

export function TagsField({
    value,
    onChange,
    offered = [],
    ...said
}: Said & { value: string[]; onChange: (tags: string[]) => void; /** Tags that are there already. */ offered?: string[] }) {
    const [typed, setTyped] = useState('');
    const add = (text: string) => {
        const more = text
            .split(',')
            .map((one) => one.trim())
            .filter((one, at, all) => one && !value.includes(one) && all.indexOf(one) === at);
        if (more.length) onChange([...value, ...more].slice(0, TAGS_MAX));
        setTyped('');
    };
    return (
        <Field {...said}>
            {(named) => (
                <span class="es-tags">
                    {value.map((tag) => (
                        <button
                            key={tag}
                            type="button"
                            class="chip"
                            title={t('Remove {}', tag)}
                            aria-label={t('Remove {}', tag)}
                            onClick={() => onChange(value.filter((one) => one !== tag))}
                        >
                            <bdi>{tag}</bdi>
                            <Icon svg={x} />
                        </button>
                    ))}
                    <input
                        {...named}
                        class="in"
                        dir="auto"
                        autocomplete="off"
                        maxLength={CHARS_MAX}
                        list={`${named.id}-o`}
                        value={typed}
                        placeholder={t('Type a tag, then Enter')}
                        onInput={(e) => {
                            const text = e.currentTarget.value;
                            if (text.endsWith(',') || (offered.includes(text) && (e as InputEvent).inputType !== 'insertText')) add(text);
                            else setTyped(text);
                        }}
                        onKeyDown={(e) => {
                            if (e.key === 'Enter') {
                                e.preventDefault();
                                add(typed);
                            } else if (e.key === 'Backspace' && !typed && value.length) onChange(value.slice(0, -1));
                        }}
                        onBlur={() => add(typed)}
                    />
                    <datalist id={`${named.id}-o`}>
                        {offered
                            .filter((tag) => !value.includes(tag))
                            .slice(0, 500)
                            .map((tag) => (
                                <option key={tag} value={tag} />
                            ))}
                    </datalist>
                </span>
            )}
        </Field>
    );
}
