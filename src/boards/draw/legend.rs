//! Legends of what stands still: names with their colours and values.

use std::fmt::Write;

use super::colour::css;
use super::markup::{ems, escape};
use crate::boards::data::Options;

/// So many entries are not scrolled.
const FEW: usize = 5;

/// An entry: name, colour, values.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) colour: String,
    pub(super) values: Vec<String>,
}

/// Where a legend stands, none where the panel wants none.
pub(super) fn place(options: Options<'_>) -> Option<&'static str> {
    let legend = options.child("legend");
    let is_shown = legend.flag_or("showLegend", true) && legend.word("displayMode") != "hidden";
    is_shown.then(|| if legend.word("placement") == "right" { "right" } else { "bottom" })
}

/// Height of a line of a list, what is between two, and what is between the list and the chart, in pixels; see `.p-legend`.
const LINE: (f64, f64, f64) = (20.0, 2.0, 6.0);
/// Widest entry, what its colour takes, what is between two, and what the list and its chart keep free at both ends.
const ENTRY: (f64, f64, f64, f64) = (260.0, 16.0, 14.0, 28.0);
/// Letters are this much wider than thought, at worst.
const WIDER: f64 = 1.08;

/// How high a list below a chart is: all its lines, but no more than a third of the panel has room for.
pub(super) fn room(entries: &[Entry], width: f64, height: f64) -> f64 {
    let (widest, mark, between, free) = ENTRY;
    let (line, gap, above) = LINE;
    let wide = |entry: &Entry| {
        let letters = ems(&entry.name) + entry.values.iter().map(|value| ems(value) + ems(" ")).sum::<f64>();
        (mark + letters * 12.0 * WIDER).min(widest)
    };
    let (mut lines, mut used) = (1.0, 0.0);
    for entry in entries.iter().map(wide) {
        if used > 0.0 && used + between + entry > width - free {
            (lines, used) = (lines + 1.0, entry);
        } else {
            used += entry + if used > 0.0 { between } else { 0.0 };
        }
    }
    let most = (height / 3.0 / (line + gap)).floor().max(1.0);
    // One line more is shown rather than scrolled to.
    let shown = if lines <= most + 1.0 { lines } else { most };
    shown * (line + gap) - gap + above
}

/// A list, or a table with a head where there are values.
pub(super) fn legend(html: &mut String, entries: &[Entry], heads: &[String], is_table: bool) {
    // What may have to be scrolled can be reached by keyboard.
    let focus = if entries.len() > FEW { " tabindex=\"0\"" } else { "" };
    if is_table {
        let _infallible = write!(html, "<div class=\"p-legend{}\"{focus}>", if focus.is_empty() { " p-few" } else { "" });
        html.push_str("<table><thead><tr><td></td>");
        for head in heads {
            let _infallible = write!(html, "<th scope=\"col\">{}</th>", escape(head));
        }
        html.push_str("</tr></thead><tbody>");
        for entry in entries {
            let _infallible = write!(
                html,
                "<tr><th scope=\"row\" title=\"{0}\"><i style=\"--c:{1}\"></i>{0}</th>",
                escape(&entry.name),
                css(&entry.colour)
            );
            for value in &entry.values {
                let _infallible = write!(html, "<td>{}</td>", escape(value));
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        return;
    }
    let _infallible = write!(html, "<ul class=\"p-legend{}\"{focus}>", if focus.is_empty() { " p-few" } else { "" });
    for entry in entries {
        let _infallible = write!(html, "<li title=\"{0}\"><i style=\"--c:{1}\"></i>{0}", escape(&entry.name), css(&entry.colour));
        for value in &entry.values {
            let _infallible = write!(html, " <b>{}</b>", escape(value));
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_room_for_all_its_lines() {
        let entries = |many: usize| -> Vec<Entry> {
            (0..many).map(|at| Entry { name: format!("series number {at}"), colour: "c1".into(), values: Vec::new() }).collect()
        };
        assert_eq!(room(&entries(2), 480.0, 300.0), 26.0);
        // Three fit in a line of 480 px.
        assert_eq!([room(&entries(3), 480.0, 300.0), room(&entries(4), 480.0, 300.0), room(&entries(7), 480.0, 300.0)], [26.0, 48.0, 70.0]);
        assert_eq!(room(&entries(13), 480.0, 300.0), 114.0, "the last line is not hidden alone");
        // A third of the panel at most, in whole lines; one line in any case.
        assert_eq!([room(&entries(40), 480.0, 300.0), room(&entries(40), 480.0, 60.0)], [92.0, 26.0]);
    }
}
