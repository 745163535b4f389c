/** The words of form parts, learnt once by whoever uses one. */
import { learn } from '../../../words.ts';

await learn({ ar: () => import('../../../../lang/ar_edit_parts.ts') });
export { n, t } from '../../../words.ts';
