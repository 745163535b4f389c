//! Every unit has a form; what pages and scripts show is the same.

use super::*;

#[test]
fn values_read_as_the_shared_cases_say() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../../web/test/units.json")).expect("valid cases");
    assert!(cases.len() > 100);
    for case in cases {
        let (id, value, text) = (case[0].as_str().unwrap(), case[1].as_f64().unwrap(), case[2].as_str().unwrap());
        let decimals = case[3].as_u64().map(|count| count as u32);
        let unit = Unit::from_id(id);
        assert_eq!(unit.show(value, decimals), text, "{value} as {id}");
        assert_eq!(unit.id(), id);
    }
}

#[test]
fn scripts_are_tested_with_the_forms_that_they_are_given() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../../web/test/units.json")).expect("valid cases");
    let forms: std::collections::BTreeMap<&str, Form> =
        cases.iter().filter_map(|case| case[0].as_str()).map(|id| (id, Unit::from_id(id).form())).collect();
    let lines: Vec<String> = forms.iter().map(|(id, form)| format!("  {}: {}", json(id), json(form))).collect();
    let expected = format!("{{\n{}\n}}\n", lines.join(",\n"));
    assert!(include_str!("../../../web/test/forms.json") == expected, "write this into web/test/forms.json:\n{expected}");
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn every_id_stands_for_itself_and_survives_any_number() {
    let mut seen = std::collections::BTreeSet::new();
    for listed in CATEGORIES.iter().flat_map(|(_, units)| *units) {
        assert!(seen.insert(listed.id), "{} is listed twice", listed.id);
        let unit = Unit::from_id(listed.id);
        assert_eq!(unit.id(), listed.id);
        for value in [0.0, -0.0, 1.0, -1.5, 1e-300, 1e300, f64::MAX, f64::MIN, f64::NAN, f64::INFINITY] {
            for decimals in [None, Some(0), Some(2), Some(u32::MAX)] {
                let text = unit.show(value, decimals);
                assert!(!text.is_empty() && text.len() < 400, "{value} as {}: {text}", listed.id);
                let _moments = unit.show_at(value, decimals, 1_763_714_000_000, Lang::En);
                let (number, rest) = unit.split(&text);
                assert!(text.starts_with(number) && text.ends_with(rest));
            }
        }
    }
    assert!(seen.len() > 270, "{}", seen.len());
}

#[test]
fn what_a_dashboard_makes_for_itself_is_shown() {
    for (id, value, text) in [
        ("suffix:jobs", 5.0, "5 jobs"),
        ("prefix:~", 5.0, "~5"),
        ("prefix:~", -5.0, "-~5"),
        ("jobs", 5.0, "5 jobs"),
        ("si:mF", 5.0, "5 mF"),
        ("si:kW", 5000.0, "5 MW"),
        ("si:Q", 0.005, "5 mQ"),
        ("count:calls", 12_300.0, "12.3k calls"),
        ("currency:kč", 12_300.0, "kč 12.3k"),
        ("currency:financial:€:suffix", 12_300.0, "12.3k €"),
        ("bool:open/shut", 1.0, "open"),
        ("bool:open/shut", 0.0, "shut"),
        ("time:YYYY-MM-DD [at] HH:mm", 1_763_714_000_000.0, "2025-11-21 at 08:33"),
        ("", 1.5, "1.5"),
    ] {
        assert_eq!(Unit::from_id(id).show(value, None), text, "{id}");
    }
    let long = "ü".repeat(100);
    assert_eq!(Unit::from_id(&long).show(1.0, None), format!("1 {}", "ü".repeat(30)));
}

#[test]
fn tiles_split_number_and_unit() {
    for (unit, value, number, rest) in [
        ("binBps", 40_055_603.0, "38.2", "MiB/s"),
        ("ops", 18_420.0, "18.4k", "/s"),
        ("reqps", 18_420.0, "18.4k", "req/s"),
        ("currencyUSD", 18_420.0, "$18.4k", ""),
        ("bool", 1.0, "True", ""),
        ("percentunit", f64::NAN, "NaN", ""),
        ("dthms", 3661.0, "01:01:01", ""),
    ] {
        let unit = Unit::from_id(unit);
        let text = unit.show(value, None);
        assert_eq!(unit.split(&text), (number, rest));
    }
}

#[test]
fn moments_know_now() {
    let now = 1_763_714_000_000;
    let at = |id: &str, ms: i64| Unit::from_id(id).show_at(ms as f64, None, now, Lang::En);
    assert_eq!(at("dateTimeFromNow", now - 360_000), "6 min ago");
    assert_eq!(at("dateTimeAsIsoNoDateIfToday", now), "08:33:20");
    assert_eq!(at("dateTimeAsIsoNoDateIfToday", now - 86_400_000), "2025-11-20 08:33:20");
    assert_eq!(at("dateTimeAsUS", now), "11/21/2025 8:33:20 am");
}
