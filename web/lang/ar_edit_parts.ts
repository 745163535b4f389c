/** The words of form parts in Arabic. Keys are the English texts of the scripts. */

export const ar: Record<string, string> = {
  'Write a number, or nothing.': 'اكتب رقمًا أو اتركه فارغًا.',
  'At least {}.': '{} على الأقل.',
  'At most {}.': '{} على الأكثر.',
  'Use {}': 'استخدام {}',
  'Nothing is called that.': 'لا شيء بهذا الاسم.',
  'and {} more: type to find them': 'و{} غيرها: اكتب للعثور عليها',
  Close: 'إغلاق',
  '{} is now at place {} of {}.': 'أصبح {} في الموضع {} من {}.',
  'Move {} up': 'نقل {} إلى أعلى',
  'Move {} down': 'نقل {} إلى أسفل',
  'Remove {}': 'إزالة {}',
  '“{}” is no colour.': '«{}» ليس لونًا.',
  'Choose a colour for {}': 'اختيار لون لـ{}',
  'Another one': 'لون آخر',
  'Default (metrics)': 'الافتراضي (المقاييس)',
  Metrics: 'المقاييس',
  Logs: 'السجلات',
  'Each query says': 'يحدده كل استعلام',
};
