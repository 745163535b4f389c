/** The words of the settings of a dashboard, learnt once by whoever shows them. */
import { learn } from '../../../words.ts';

await learn({ ar: () => import('../../../../lang/ar_edit_settings.ts') });
export { n, t } from '../../../words.ts';
