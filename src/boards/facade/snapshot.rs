//! Snapshots: what a dashboard showed at a moment, as one packed text. Its first line says what stands where, the others
//! are the answers of panels as browsers get them. No query is in it, and none is asked when it is shown.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};

use crate::boards::model::{Place, SNAPSHOT_BYTES_MAX};
use crate::boards::pages::tile::{RowState, Tile};

/// How hard it is pressed.
const ZSTD_LEVEL: i32 = 6;

/// What stands on a snapshot.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Head {
    /// The dashboard's title.
    pub(super) title: String,
    /// What it says of itself.
    pub(super) description: String,
    /// What was chosen: names and texts.
    pub(super) chosen: Vec<(String, String)>,
    /// The range, in milliseconds since the Unix epoch.
    pub(super) range: (i64, i64),
    /// Panels and rows.
    pub(super) tiles: Vec<Tile>,
}

impl Head {
    fn json(&self) -> Value {
        let tiles = self.tiles.iter().map(|tile| {
            let place = [tile.place.x, tile.place.y, tile.place.w, tile.place.h];
            json!({ "key": tile.key, "kind": tile.kind, "title": tile.title, "description": tile.description, "place": place,
                "bare": tile.is_transparent, "row": tile.row.is_some() })
        });
        json!({ "title": self.title, "description": self.description, "chosen": self.chosen, "range": self.range, "tiles": tiles.collect::<Vec<_>>() })
    }

    fn read(json: &Value) -> Self {
        let text = |json: &Value, name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let number = |json: &Value| json.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
        let tile = |json: &Value| Tile {
            key: text(json, "key"),
            kind: text(json, "kind"),
            title: text(json, "title"),
            description: text(json, "description"),
            place: Place {
                x: number(&json["place"][0]),
                y: number(&json["place"][1]),
                w: number(&json["place"][2]),
                h: number(&json["place"][3]),
            },
            is_transparent: json["bare"] == true,
            row: (json["row"] == true).then_some(RowState { is_open: true, count: 0 }),
            ..Tile::default()
        };
        let list = |name: &str| json[name].as_array().map_or(&[][..], Vec::as_slice);
        let moment = |at: usize| json["range"][at].as_i64().unwrap_or_default();
        Self {
            title: text(json, "title"),
            description: text(json, "description"),
            chosen: list("chosen")
                .iter()
                .map(|pair| (pair[0].as_str().unwrap_or_default().to_owned(), pair[1].as_str().unwrap_or_default().to_owned()))
                .collect(),
            range: (moment(0), moment(1)),
            tiles: list("tiles").iter().map(tile).collect(),
        }
    }
}

/// Packs a snapshot; `lines` are answers with their ends.
///
/// # Errors
/// It is too large, in words.
pub(super) fn pack(head: &Head, lines: &str) -> Result<Vec<u8>, String> {
    let text = format!("{}\n{lines}", head.json());
    if text.len() > SNAPSHOT_BYTES_MAX {
        return Err(format!("the snapshot has {} bytes, at most {SNAPSHOT_BYTES_MAX} are allowed: choose a shorter range", text.len()));
    }
    zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL).map_err(|error| format!("the snapshot cannot be packed: {error}"))
}

fn opened(packed: &[u8]) -> Result<BufReader<std::io::Take<impl Read + '_>>, String> {
    let decoder = zstd::stream::read::Decoder::new(packed).map_err(|error| error.to_string())?;
    Ok(BufReader::new(decoder.take(SNAPSHOT_BYTES_MAX as u64)))
}

/// What stands on a snapshot.
///
/// # Errors
/// It cannot be read.
pub(super) fn head(packed: &[u8]) -> Result<Head, String> {
    let mut first = String::new();
    opened(packed)?.read_line(&mut first).map_err(|error| error.to_string())?;
    serde_json::from_str(&first).map(|json| Head::read(&json)).map_err(|error| error.to_string())
}

/// The answers of some panels, as lines.
///
/// # Errors
/// It cannot be read.
pub(super) fn lines(packed: &[u8], keys: &[String]) -> Result<String, String> {
    /// What of a line is looked at.
    #[derive(serde::Deserialize)]
    struct Keyed {
        #[serde(default)]
        key: String,
    }
    let mut out = String::new();
    for line in opened(packed)?.lines().skip(1) {
        let line = line.map_err(|error| error.to_string())?;
        let key = serde_json::from_str::<Keyed>(&line).map(|keyed| keyed.key).unwrap_or_default();
        if !key.is_empty() && keys.contains(&key) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out.push_str("{\"done\":true}\n");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        let tile = Tile {
            key: "4".into(),
            kind: "stat".into(),
            title: "T\n<b>".into(),
            place: Place { x: 1, y: 2, w: 3, h: 4 },
            ..Tile::default()
        };
        let row = Tile { key: "5".into(), row: Some(RowState { is_open: true, count: 0 }), ..Tile::default() };
        let known = Head {
            title: "Board".into(),
            description: "d".into(),
            chosen: vec![("job".into(), "api".into())],
            range: (1, 2),
            tiles: vec![tile, row],
        };
        let packed = pack(&known, "{\"key\":\"4\",\"x\":1}\n{\"key\":\"44\"}\n{\"done\":true}\n").unwrap();
        assert_eq!(head(&packed).unwrap(), known);
        assert_eq!(lines(&packed, &["4".to_owned(), "9".to_owned()]).unwrap(), "{\"key\":\"4\",\"x\":1}\n{\"done\":true}\n");
        assert!(pack(&known, &"x".repeat(SNAPSHOT_BYTES_MAX)).unwrap_err().contains("at most"));
        assert!(head(b"nothing").is_err() && lines(b"nothing", &[]).is_err());
    }
}
