/** A labelled place in a form: its label, help and what is wrong with it belong together for everybody. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What every field of a form may say. */
export interface Said {
    label: string;
    /** One sentence below it. */
    help?: string;
    /** What is wrong, in words. */
    error?: string;
    /** The label is only heard, where a table or heading shows it already. */
    quiet?: boolean;
    /** Takes two columns of its form. */
    wide?: boolean;
}
/** What the control in a field has to carry. */
export interface Named {
    id: string;
    'aria-describedby'?: string;
    'aria-invalid'?: true;
}

export function Field({ label, help, error, quiet, wide, children }: Said & { children: (named: Named) => ComponentChildren }) {
    const id = useId(),
        said = error || help;
    return (
        <div class={wide ? 'ed-f wide' : 'ed-f'}>
            <label for={id} class={quiet ? 'vh' : undefined}>
                {label}
            </label>
            {children({ id, ...(said ? { 'aria-describedby': `${id}-s` } : {}), ...(error ? { 'aria-invalid': true as const } : {}) })}
            {said && (
                <small id={`${id}-s`} class={error ? 'crit-t' : undefined}>
                    {said}
                </small>
            )}
        </div>
    );
}

/** Several controls under one name. */
export function Group({ label, help, quiet, wide, children }: Said & { children: ComponentChildren }) {
    const id = useId();
    return (
        <div class={wide ? 'ed-f wide' : 'ed-f'} role="group" aria-labelledby={id}>
            <span class={quiet ? 'vh' : 'ed-l'} id={id}>
                {label}
            </span>
            {children}
            {help && <small>{help}</small>}
        </div>
    );
}
