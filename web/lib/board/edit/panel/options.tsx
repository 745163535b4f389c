/** Options of a panel by groups, or those that what is searched for finds. */
import type { Json } from '../draft.ts';
import { score } from '../../../fuzzy.ts';
import { t } from '../../../words.ts';
import { Edit } from './edit.tsx';
import { GROUPS, initialOf, optionsOf, type Option, type TabId } from './schema.ts';
import type { Kind } from './kinds.ts';
import { useWork } from './work.ts';

export function Options({ kind, tab, search }: { kind: Kind; tab?: TabId; search?: string }) {
    const work = useWork(),
        all = optionsOf(kind);
    const get = (path: string): Json | undefined => work.get(path) ?? initial(all, kind, path);
    // What is searched for is found even where it means nothing now.
    const shown = all.filter((one) => (search ? finds(one, search) : GROUPS[one.group] === tab && (one.when?.(get) ?? true)));
    const groups = [...new Set(shown.map((one) => one.group))];
    if (!groups.length) return <p class="faint pe-none">{t('No option is called that.')}</p>;
    return (
        <div class="pe-groups">
            {groups.map((group) => (
                <section key={group} class="pe-group" aria-label={t(group)}>
                    <h3>{t(group)}</h3>
                    <div class="ed-form">
                        {shown
                            .filter((one) => one.group === group)
                            .map((one) => (
                                <Edit
                                    key={one.path}
                                    control={one.control}
                                    label={t(one.label)}
                                    {...(one.help ? { help: t(one.help) } : {})}
                                    value={work.get(one.path)}
                                    initial={initialOf(one, kind)}
                                    onChange={(value) => work.set(one.path, t(one.label), value)}
                                />
                            ))}
                    </div>
                </section>
            ))}
        </div>
    );
}

function initial(all: Option[], kind: Kind, path: string): Json | undefined {
    const option = all.find((one) => one.path === path);
    return option && initialOf(option, kind);
}

/** By its name in both languages, its group, its path, and other words. */
function finds(option: Option, search: string): boolean {
    const words = search.trim();
    return [t(option.label), option.label, t(option.group), option.path, option.words ?? ''].some((one) => score(words, one) >= 1_500);
}
