//! A report to print: headings, figures and tables on pages of A4, from left to right or from right to left.
//!
//! Letters are shaped as the script wants it ([`text`]), with the fonts that are built in ([`font`]); they are embedded
//! whole, as each is a few dozen kilobytes, and what is written can be searched and copied. The rest is [`page`].

pub mod font;
mod page;
mod text;

use font::Fonts;
use page::Pages;

/// Cells of a table that are set at most.
pub const CELLS_MAX: usize = 120_000;

/// What is printed.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The language, as `en`.
    pub lang: &'static str,
    /// Whether it is read from right to left.
    pub is_rtl: bool,
    /// What it is.
    pub title: String,
    /// Lines below the title.
    pub lines: Vec<String>,
    /// Figures in large, each with its name.
    pub figures: Vec<(String, String)>,
    /// Tables, one after the other.
    pub tables: Vec<Table>,
    /// At the foot of each page.
    pub foot: String,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What stands above it.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
    /// What stands below it, or instead of rows.
    pub note: String,
}

/// A column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its name.
    pub title: String,
    /// How wide it is beside the others.
    pub share: f32,
    /// Whether its values are figures, which stand at its end.
    pub is_number: bool,
}

/// The sheet as a PDF.
pub fn write(sheet: &Sheet, fonts: &Fonts) -> Vec<u8> {
    let mut pages = Pages::new(sheet, fonts);
    pages.head();
    for table in &sheet.tables {
        pages.table(table);
    }
    pages.finish()
}

#[cfg(test)]
mod tests;
