//! Alerts that fire, and those whose end was not told to everybody yet.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, Transaction, params};

use super::{Kept, from_json, to_json};
use crate::alerts::model::routed::RoutedAlert;
use crate::series::labels::Labels;
use crate::series::ports::Hush;

pub(super) fn load(db: &Connection, kept: &mut Kept) -> rusqlite::Result<()> {
    let mut statement = db.prepare(
        "SELECT labels, annotations, starts_ms, ends_ms, updated_ms, is_timeout, generator_url, hush FROM alerts ORDER BY fingerprint",
    )?;
    for alert in statement.query_map([], from_row)? {
        match alert? {
            Ok(alert) => kept.alerts.push(alert),
            Err(labels) => kept.odd.push(format!("an alert with the labels {labels} cannot be read")),
        }
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<RoutedAlert, String>> {
    let (labels, annotations): (String, String) = (row.get(0)?, row.get(1)?);
    let (Some(pairs), Some(annotations)) = (from_json(&labels), from_json(&annotations)) else { return Ok(Err(labels)) };
    Ok(Ok(RoutedAlert {
        labels: Labels::from_pairs(pairs),
        annotations: annotations.into_iter().collect(),
        starts_at: row.get(2)?,
        ends_at: row.get(3)?,
        updated_at: row.get(4)?,
        is_timeout: row.get(5)?,
        generator_url: row.get(6)?,
        hush: row.get::<_, Option<String>>(7)?.as_deref().and_then(Hush::read),
    }))
}

pub(super) fn write(tx: &Transaction<'_>, alerts: &BTreeMap<u64, Option<RoutedAlert>>) -> rusqlite::Result<()> {
    let mut put = tx.prepare_cached(
        "INSERT OR REPLACE INTO alerts (fingerprint, labels, annotations, starts_ms, ends_ms, updated_ms, is_timeout, generator_url, hush) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut remove = tx.prepare_cached("DELETE FROM alerts WHERE fingerprint = ?1")?;
    for (name, alert) in alerts {
        let name = name.cast_signed();
        let Some(alert) = alert else {
            remove.execute([name])?;
            continue;
        };
        let annotations = to_json(alert.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        put.execute(params![
            name,
            to_json(alert.labels.iter()),
            annotations,
            alert.starts_at,
            alert.ends_at,
            alert.updated_at,
            alert.is_timeout,
            alert.generator_url,
            alert.hush.as_ref().map(ToString::to_string)
        ])?;
    }
    Ok(())
}
