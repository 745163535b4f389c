//! Each action, each way to write a group, and what must not happen.

use proptest::prelude::*;

use super::*;
use crate::series::names::NameValidation;

fn rule(action: RelabelAction, sources: &[&str], regex: &str, target: &str, replacement: &str) -> RelabelConfig {
    let mut rule = RelabelConfig { action, target_label: target.to_owned(), ..RelabelConfig::default() };
    rule.source_labels = sources.iter().map(|name| (*name).to_owned()).collect();
    if !regex.is_empty() {
        rule.regex = RelabelRegex::new(regex).expect(regex);
    }
    if !replacement.is_empty() {
        rule.replacement = replacement.to_owned();
    }
    assert_eq!(rule.validate(), Ok(()), "{rule:?}");
    rule
}

fn replace(sources: &[&str], regex: &str, target: &str, replacement: &str) -> RelabelConfig {
    rule(RelabelAction::Replace, sources, regex, target, replacement)
}

/// `a=1 b=2` as labels.
fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split_whitespace().map(|pair| pair.split_once('=').expect("name=value")))
}

fn check(input: &str, rules: &[RelabelConfig], expected: Option<&str>) {
    let input = labels(input);
    let mut builder = input.to_builder();
    let kept = process(&mut builder, rules);
    assert_eq!(kept.then(|| builder.build()), expected.map(labels), "{rules:?}");
    let steps = explain(&input, rules);
    assert_eq!(steps.last().is_none_or(|last| last.keep), kept);
    if kept {
        assert_eq!(steps.last().map_or(input, |last| last.labels.clone()), builder.build());
    }
}

#[test]
fn replace_writes_what_groups_give() {
    check("a=foo b=bar", &[replace(&["a"], "f(.*)", "d", "ch${1}-ch${1}")], Some("a=foo b=bar d=choo-choo"));
    check("a=foo b=bar", &[replace(&["a", "b"], "f(.*);(.*)r", "a", "b${1}${2}m")], Some("a=boobam b=bar"));
    check("a=abc", &[replace(&["a"], ".*(b).*", "d", "$1")], Some("a=abc d=b"));
    check("a=boo", &[replace(&["a"], "f", "b", "bar")], Some("a=boo"));
    check("a=foo f=baz", &[replace(&["a"], "(f).*", "$1", "$2")], Some("a=foo"));
    check("a=some-name-value", &[replace(&["a"], "some-([^-]+)-([^,]+)", "${1}", "${2}")], Some("a=some-name-value name=value"));
    check("a=some-name-value", &[replace(&["a"], "some-([^-]+)-([^,]+)", "${3}", "${1}")], Some("a=some-name-value"));
    check("a=x-y", &[replace(&["a"], "(?P<left>.)-(?<right>.)", "to_$left", "is_${right}")], Some("a=x-y to_x=is_y"));
    check("a=x", &[replace(&["a"], "", "b", "")], Some("a=x b=x"));
    check("b=1", &[replace(&["a"], "", "b", "")], Some("a= b="));
    check("b=1", &[replace(&[], "", "c", "fixed")], Some("b=1 c=fixed"));
    check("a=1 b=2", &[replace(&["a", "b"], "", "c", "")], Some("a=1 b=2 c=1;2"));
    check("a=x", &[replace(&["a"], "(.)", "b", "$10|${1}0|$1_|$$1|$|${|${}|$-")], Some("a=x b=|x0||$1|$|${|${}|$-"));
    check("utf.8=x", &[replace(&["utf.8"], "(.*)", "ü.${1}", "")], Some("utf.8=x ü.x=x"));
}

#[test]
fn values_may_hold_line_breaks() {
    let mut builder = Labels::from_pairs([("a", "one\ntwo")]).to_builder();
    assert!(process(&mut builder, &[replace(&["a"], "one.*two", "b", "both")]));
    assert_eq!(builder.get("b"), Some("both"));
}

#[test]
fn blackbox_probes_get_their_target() {
    check(
        "__address__=https://example.com job=blackbox",
        &[
            replace(&["__address__"], "", "__param_target", ""),
            replace(&["__param_target"], "", "instance", ""),
            replace(&[], "", "__address__", "exporter:9115"),
        ],
        Some("__address__=exporter:9115 __param_target=https://example.com instance=https://example.com job=blackbox"),
    );
}

#[test]
fn keep_and_drop_match_the_whole_value() {
    use RelabelAction::{Drop, Keep};
    check("a=foo", &[rule(Drop, &["a"], ".*o.*", "", "")], None);
    check("a=foo", &[rule(Drop, &["a"], "no-match", "", "")], Some("a=foo"));
    check("a=foo", &[rule(Drop, &["a"], "f|o", "", "")], Some("a=foo"));
    check("a=foo", &[rule(Keep, &["a"], "no-match", "", "")], None);
    check("a=foo", &[rule(Keep, &["a"], "f.*", "", "")], Some("a=foo"));
    check("a=foo", &[rule(Keep, &["a"], "", "", "")], Some("a=foo"));
    check("a=foo", &[rule(Drop, &["b"], "^$", "", "")], None);
    check("a=foo b=x", &[rule(Drop, &["a"], "foo", "", ""), replace(&[], "", "c", "1")], None);
    check("p=1 q=1 r=2", &[rule(RelabelAction::KeepEqual, &["p"], "", "q", "")], Some("p=1 q=1 r=2"));
    check("p=1 q=1 r=2", &[rule(RelabelAction::KeepEqual, &["p"], "", "r", "")], None);
    check("p=1 q=1 r=2", &[rule(RelabelAction::DropEqual, &["p"], "", "q", "")], None);
    check("p=1 q=1 r=2", &[rule(RelabelAction::DropEqual, &["p"], "", "r", "")], Some("p=1 q=1 r=2"));
    check("p=1", &[rule(RelabelAction::DropEqual, &["none"], "", "nothing", "")], None);
}

#[test]
fn names_are_mapped_and_dropped() {
    use RelabelAction::{LabelDrop, LabelKeep, LabelMap};
    check("a=foo b1=bar b2=baz", &[rule(LabelMap, &[], "(b.*)", "", "bar_${1}")], Some("a=foo b1=bar b2=baz bar_b1=bar bar_b2=baz"));
    check("__meta_x_y=1 z=2", &[rule(LabelMap, &[], "__meta_x_(.+)", "", "")], Some("__meta_x_y=1 y=1 z=2"));
    check("a=1", &[rule(LabelMap, &[], "a", "", "$1")], Some("a=1"));
    check("a=foo b1=bar b2=baz", &[rule(LabelDrop, &[], "(b.*)", "", "")], Some("a=foo"));
    check("a=foo b1=bar b2=baz", &[rule(LabelKeep, &[], "b.*", "", "")], Some("b1=bar b2=baz"));
    check("a=1", &[rule(LabelKeep, &[], "none", "", "")], Some("a="));
}

#[test]
fn hashes_and_cases_are_those_of_go() {
    let hash = |source: &str, modulus: u64| {
        let mut hash = RelabelConfig { modulus, ..RelabelConfig::default() };
        (hash.action, hash.target_label, hash.source_labels) = (RelabelAction::HashMod, "h".to_owned(), vec![source.to_owned()]);
        hash
    };
    check("c=baz", &[hash("c", 1000)], Some("c=baz h=976"));
    let mut builder = Labels::from_pairs([("a", "foo\nbar")]).to_builder();
    assert!(process(&mut builder, &[hash("a", 1000)]));
    assert_eq!(builder.get("h"), Some("734"));

    let upper = rule(RelabelAction::Uppercase, &["a"], "", "u", "");
    let lower = rule(RelabelAction::Lowercase, &["a"], "", "l", "");
    check("a=bAr123ÄßΣ", &[upper, lower], Some("a=bAr123ÄßΣ u=BAR123ÄßΣ l=bar123äßσ"));
}

#[test]
fn explain_stops_at_the_rule_that_drops() {
    let rules = [replace(&[], "", "b", "1"), rule(RelabelAction::Drop, &["a"], "x", "", ""), replace(&[], "", "c", "1")];
    let steps = explain(&labels("a=x"), &rules);
    assert_eq!(steps, [RelabelStep { labels: labels("a=x b=1"), keep: true }, RelabelStep { labels: labels("a=x b=1"), keep: false }]);
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    use RelabelAction::{DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace};
    type Change = fn(&mut RelabelConfig);
    let cases: [(RelabelAction, Change, &str); 17] = [
        (HashMod, |r| r.target_label = "a".into(), "relabel configuration for hashmod requires non-zero modulus"),
        (HashMod, |r| r.modulus = 1, "relabel configuration for hashmod action requires 'target_label' value"),
        (Replace, |_| {}, "relabel configuration for replace action requires 'target_label' value"),
        (Lowercase, |_| {}, "relabel configuration for lowercase action requires 'target_label' value"),
        (KeepEqual, |_| {}, "relabel configuration for keepequal action requires 'target_label' value"),
        (
            Replace,
            |r| (r.target_label, r.name_validation) = ("a.b".into(), NameValidation::Legacy),
            r#""a.b" is invalid 'target_label' for replace action"#,
        ),
        (
            Replace,
            |r| (r.target_label, r.name_validation) = ("${a.b}".into(), NameValidation::Legacy),
            r#""${a.b}" is invalid 'target_label' for replace action"#,
        ),
        (
            Replace,
            |r| (r.target_label, r.name_validation) = ("0$a".into(), NameValidation::Legacy),
            r#""0$a" is invalid 'target_label' for replace action"#,
        ),
        (
            Lowercase,
            |r| (r.target_label, r.name_validation) = ("${1}".into(), NameValidation::Legacy),
            r#""${1}" is invalid 'target_label' for lowercase action"#,
        ),
        (
            HashMod,
            |r| (r.target_label, r.modulus, r.name_validation) = ("a-b".into(), 1, NameValidation::Legacy),
            r#""a-b" is invalid 'target_label' for hashmod action"#,
        ),
        (Lowercase, |r| (r.target_label, r.replacement) = ("a".into(), "x".into()), "'replacement' can not be set for lowercase action"),
        (
            LabelMap,
            |r| (r.replacement, r.name_validation) = ("-".into(), NameValidation::Legacy),
            r#""-" is invalid 'replacement' for labelmap action"#,
        ),
        (LabelMap, |r| r.replacement = String::new(), r#""" is invalid 'replacement' for labelmap action"#),
        (
            DropEqual,
            |r| (r.target_label, r.separator) = ("a".into(), ",".into()),
            "dropequal action requires only 'source_labels' and `target_label`, and no other fields",
        ),
        (
            KeepEqual,
            |r| (r.target_label, r.regex) = ("a".into(), RelabelRegex::new("(.*)").expect("valid")),
            "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
        ),
        (LabelDrop, |r| r.source_labels = vec!["a".into()], "labeldrop action requires only 'regex', and no other fields"),
        (LabelKeep, |r| r.target_label = "a".into(), "labelkeep action requires only 'regex', and no other fields"),
    ];
    for (action, change, message) in cases {
        let mut rule = RelabelConfig { action, ..RelabelConfig::default() };
        change(&mut rule);
        assert_eq!(rule.validate().map_err(|error| error.0), Err(message.to_owned()));
    }
    let mut legacy =
        RelabelConfig { target_label: "a_${1}_$x".into(), name_validation: NameValidation::Legacy, ..RelabelConfig::default() };
    assert_eq!(legacy.validate(), Ok(()));
    legacy.target_label = "a$".into();
    assert!(legacy.validate().is_err());
    for bad in ["(", "a)(b", "[z-a]", "a**", "(?=x)", "\\"] {
        assert!(RelabelRegex::new(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn never_panics_and_keeps_sets_well_formed(
        pairs in proptest::collection::btree_map("[a-c.ü]{1,3}", ".{0,6}", 0..6),
        sources in proptest::collection::vec("[a-c]{1,2}", 0..3),
        regex in "[a-c.*()|$^?]{0,8}", target in "[a-c$1{}]{1,4}", replacement in "[a-c$0-2{}]{0,6}",
        action in proptest::sample::select(RelabelAction::ALL.to_vec()), modulus in 0u64..3,
    ) {
        let Ok(regex) = RelabelRegex::new(&regex) else { return Ok(()) };
        let rule = RelabelConfig { action, source_labels: sources, regex, modulus, target_label: target, replacement, ..RelabelConfig::default() };
        let mut builder = Labels::from_pairs(pairs).to_builder();
        process(&mut builder, &[rule]);
        prop_assert!(crate::series::labels::check_packed(builder.build().packed()).is_ok());
    }
}
