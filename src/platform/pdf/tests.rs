//! What is printed has every page, every letter, and nothing of what is written steers the file.

use std::path::Path;

use super::font::Font;
use super::*;

/// The fonts as they are built in; none without the web interface.
fn fonts() -> Option<Fonts> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/node_modules/@fontsource/ibm-plex-sans-arabic/files");
    let of = |weight: u16| {
        let names = ["latin", "latin-ext", "arabic"];
        let read =
            |name: &str| Font::of_woff(&std::fs::read(folder.join(format!("ibm-plex-sans-arabic-{name}-{weight}-normal.woff"))).ok()?);
        names.into_iter().map(read).collect::<Option<Vec<Font>>>()
    };
    Some(Fonts { regular: of(400)?, bold: of(600)? })
}

fn sheet(is_rtl: bool, rows: usize, text: &str) -> Sheet {
    let column = |title: &str, share, is_number| Column { title: title.to_owned(), share, is_number };
    Sheet {
        lang: if is_rtl { "ar" } else { "en" },
        is_rtl,
        title: text.to_owned(),
        lines: vec!["Čeština, Łódź".to_owned()],
        figures: vec![("Available".to_owned(), "99.95 %".to_owned())],
        tables: vec![Table {
            title: "Checks".to_owned(),
            columns: vec![column("Name", 3.0, false), column("Down", 1.0, true)],
            rows: (0..rows).map(|row| vec![format!("{text} {row}"), format!("{row} min")]).collect(),
            note: String::new(),
        }],
        foot: "pharos".to_owned(),
    }
}

fn pages(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).matches("/Type /Page\n").count()
}

#[test]
fn long_tables_go_over_pages_in_both_directions() {
    let Some(fonts) = fonts() else { return };
    for (is_rtl, text) in
        [(false, "Shop front (EU)"), (true, "التوفّر \u{2068}Shop (EU)\u{2069} شهريًا"), (false, ""), (false, "\0\n\\)(>> endobj 日本")]
    {
        for rows in [0, 3, 200] {
            let pdf = write(&sheet(is_rtl, rows, text), &fonts);
            assert!(pdf.starts_with(b"%PDF-") && pages(&pdf) == if rows == 200 { 5 } else { 1 }, "{} {text} {rows}", pages(&pdf));
        }
    }
}

#[test]
fn without_fonts_nothing_is_set_and_nothing_breaks() {
    assert!(write(&sheet(false, 3, "x"), &Fonts::default()).starts_with(b"%PDF-"));
}
