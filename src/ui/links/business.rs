//! URLs of the business: KPIs, the scorecard, funnels and retentions, letters about them.

use super::encode;
use crate::ui::lang::key;

/// Every KPI, with what it is and what it should be.
pub const BUSINESS: &str = "/business";
/// A KPI.
pub const KPI: &str = "/business/{id}";
/// A KPI to be made or changed: `id`, or from a ready one: `ready`.
pub const KPI_EDIT: &str = "/business/edit";
/// POST: keeps a KPI.
pub const KPI_SAVE: &str = "/business/save";
/// POST: what a KPI would have been, tried once and not kept.
pub const KPI_LOOK: &str = "/business/look";
/// KPIs that are ready to be made; POST makes one.
pub const KPI_READY: &str = "/business/ready";
/// Every KPI, large, for a wall.
pub const BUSINESS_TV: &str = "/business/tv";
/// POST: pauses a KPI, or lets it go on.
pub const KPI_PAUSE: &str = "/business/{id}/pause";
/// POST: deletes a KPI.
pub const KPI_DELETE: &str = "/business/{id}/delete";
/// POST: fills in the past of a KPI, or ends that.
pub const KPI_BACKFILL: &str = "/business/{id}/backfill";
/// POST: sets a value of a KPI by hand.
pub const KPI_CORRECT: &str = "/business/{id}/correct";
/// POST: keeps or takes away a note.
pub const KPI_NOTE: &str = "/business/{id}/note";
/// POST: shares a KPI with people without an account, or ends that.
pub const KPI_SHARE: &str = "/business/{id}/share";
/// A KPI for people without an account.
pub const KPI_SHARED: &str = "/k/{token}";
/// How every KPI was over periods, as a table.
pub const SCORECARD: &str = "/business/scorecard";
/// The same as a file: `scorecard.csv`, `scorecard.pdf`.
pub const SCORECARD_CSV: &str = "/business/scorecard.csv";
/// The same to print.
pub const SCORECARD_PDF: &str = "/business/scorecard.pdf";
/// Funnels and retentions; POST deletes one.
pub const BUSINESS_PEOPLE: &str = "/business/people";
/// The form of a funnel: `name`; POST keeps it.
pub const FUNNEL_EDIT: &str = "/business/people/funnel";
/// The form of a retention: `name`; POST keeps it.
pub const RETENTION_EDIT: &str = "/business/people/retention";
/// A funnel, by its name.
pub const FUNNEL: &str = "/business/funnels/{name}";
/// A retention, by its name.
pub const RETENTION: &str = "/business/retentions/{name}";
/// Pages of the business: path and name.
pub const BUSINESS_PAGES: [(&str, &str); 4] = [
    (BUSINESS, key("All KPIs")),
    (SCORECARD, key("Scorecard")),
    (BUSINESS_PEOPLE, key("Funnels and retention")),
    (DIGESTS, key("Digests")),
];
/// Letters about KPIs.
pub const DIGESTS: &str = "/business/digests";
/// The form of a letter: `name`.
pub const DIGEST_EDIT: &str = "/business/digests/edit";
/// How a letter looks: `name`.
pub const DIGEST_LETTER: &str = "/business/digests/letter";
/// POST: keeps a letter.
pub const DIGEST_SAVE: &str = "/business/digests/save";
/// POST: deletes a letter.
pub const DIGEST_DELETE: &str = "/business/digests/delete";
/// POST: sends a letter now.
pub const DIGEST_SEND: &str = "/business/digests/send";

/// A KPI.
pub fn kpi(id: i64) -> String {
    of_kpi(KPI, id)
}

/// One of the addresses of a KPI.
pub fn of_kpi(pattern: &str, id: i64) -> String {
    pattern.replace("{id}", &id.to_string())
}

/// A KPI for people without an account.
pub fn kpi_shared(token: &str) -> String {
    KPI_SHARED.replace("{token}", &encode(token))
}

/// A funnel, by its name.
pub fn funnel(name: &str) -> String {
    FUNNEL.replace("{name}", &encode(name))
}

/// A retention, by its name.
pub fn retention(name: &str) -> String {
    RETENTION.replace("{name}", &encode(name))
}
