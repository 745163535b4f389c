/** Arabic words of dashboards: fetched with them, not with every page. */
export const ar: Record<string, string> = {
  'The answer broke off.': 'انقطعت الإجابة.',
  'highest {}': 'أعلاها {}',
  '{} buckets': 'لا فئات | فئة واحدة | فئتان | {} فئات | {} فئة | {} فئة',
  '{} more series are not shown': '{} سلسلة أخرى غير معروضة',
  'Exemplar': 'عيّنة',
  '{} exemplars': 'لا عيّنات | عيّنة واحدة | عيّنتان | {} عيّنات | {} عيّنة | {} عيّنة',
  'Enter opens the nearest one.': 'مفتاح Enter يفتح أقربها.',
  'A press keeps it open.': 'انقر لتبقى مفتوحة.',
  'Name': 'الاسم',
  'Panel': 'جزء اللوحة',
  'Download CSV': 'تنزيل CSV',
  'The newest {} of {} rows. The CSV has all.': 'أحدث {} من {} صفًا. ملف CSV يضمها كلها.',
  'This browser refuses full screen.': 'هذا المتصفح يرفض ملء الشاشة.',
};
