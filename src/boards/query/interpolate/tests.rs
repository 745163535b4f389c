//! Variables in texts, case by case.

use super::*;
use crate::base::time::TimeRange;
use crate::boards::model::{Variable, VariableKind};
use crate::boards::query::choices::Choice;
use crate::boards::query::times::Pace;

fn offered(name: &str, kind: VariableKind, is_multi: bool, chosen: &[&str]) -> Offered {
    let chosen: Vec<Choice> = chosen.iter().map(|value| Choice { text: format!("T{value}"), value: (*value).to_owned() }).collect();
    let variable = Variable { name: name.to_owned(), kind, is_multi, ..Variable::default() };
    Offered { variable, choices: chosen.clone(), chosen, ..Offered::default() }
}

fn resolved() -> Resolved {
    let mut resolved = Resolved::empty(Pace { range: TimeRange::new(1_000, 3_601_000), interval: 15_000, scrape: 15_000 });
    resolved.about.title = "Nodes".to_owned();
    resolved.about.uid = "abc".to_owned();
    resolved.about.user = "ann".to_owned();
    let mut all = offered("all", VariableKind::Query, true, &["a.b", "c"]);
    (all.is_all, all.variable.has_all) = (true, true);
    let mut own = all.clone();
    own.variable.name = "own".to_owned();
    own.variable.all_value = ".*$job".to_owned();
    resolved.variables = vec![
        offered("job", VariableKind::Query, false, &["x\\y\"z"]),
        offered("multi", VariableKind::Query, true, &["a.b", "c"]),
        offered("one", VariableKind::Query, true, &["a.b"]),
        offered("text", VariableKind::Text, false, &["\\d\"+"]),
        all,
        own,
    ];
    resolved
}

#[test]
fn variables_stand_for_what_is_chosen() {
    let resolved = resolved();
    let scoped = [("multi".to_owned(), "One".to_owned(), "o.ne".to_owned())];
    for (usage, text, expected) in [
        (Usage::Words, "CPU of $multi, ${job}", "CPU of Ta.b + Tc, Tx\\y\"z"),
        (Usage::Words, "$all and ${own}", "All and All"),
        (Usage::Words, "$gone ${gone:csv} [[gone]] $ ${ $$ [[ $1", "$gone ${gone:csv} [[gone]] $ ${ $$ [[ $1"),
        (Usage::Words, "${one.text} ${one.value} [[one:csv]] [[one]]", "Ta.b Ta.b a.b Ta.b"),
        (Usage::Words, "${__dashboard} ${__dashboard.uid} ${__user.login} ${__org}", "Nodes abc ann 1"),
        (Usage::Words, "${__from:date:YYYY} ${__to:date:seconds}", "1970 3601"),
        (Usage::PromQl, "up{job=\"$job\"}", "up{job=\"x\\\\y\\\"z\"}"),
        (Usage::PromQl, "up{job='$job'}", "up{job='x\\\\y\"z'}"),
        (Usage::PromQl, "up{job=`$job`}", "up{job=`x\\y\"z`}"),
        (Usage::PromQl, "up{job=\"${job:raw}\"}", "up{job=\"x\\y\"z\"}"),
        (Usage::PromQl, "up{a=~\"$text\"}", "up{a=~\"\\d\"+\"}"),
        (Usage::PromQl, "up{a=~\"$multi\"}", "up{a=~\"(a\\\\.b|c)\"}"),
        (Usage::PromQl, "up{a=~`$multi`}", "up{a=~`(a\\.b|c)`}"),
        (Usage::PromQl, "up{a=~\"$one\"}", "up{a=~\"a\\\\.b\"}"),
        (Usage::PromQl, "up{a=~\"$all\"}", "up{a=~\"(a\\\\.b|c)\"}"),
        (Usage::PromQl, "up{a=~\"$own\"}", "up{a=~\".*x\\y\"z\"}"),
        (Usage::LogQl, "{a=~\"$multi\"}", "{a=~\"a\\\\.b|c\"}"),
        (Usage::PromQl, "rate(x[$__rate_interval]) [$__interval] $__range", "rate(x[1m]) [15s] 3600s"),
        (Usage::PromQl, "x[${__interval}] ${__interval_ms}", "x[15s] 15000"),
        (Usage::Plain, "$multi $one", "{a.b,c} a.b"),
        (Usage::Link, "/d/x?${multi:queryparam}&${__url_time_range}", "/d/x?var-multi=a.b&var-multi=c&from=1000&to=3601000"),
        (Usage::Link, "/?q=$job", "/?q=x%5Cy%22z"),
        (Usage::Link, "${all:queryparam}", "var-all=$__all".replace('$', "%24").as_str()),
    ] {
        assert_eq!(resolved.filling(&[], &[], usage).fill(text), expected, "{text}");
    }
    assert_eq!(resolved.filling(&scoped, &[], Usage::PromQl).fill("{a=~\"$multi\"}"), "{a=~\"o\\\\.ne\"}");
    assert_eq!(resolved.fill("$multi", &scoped, &[]), "One");
    assert_eq!(resolved.fill("${__field.labels.job}!", &[], &[("__field.labels.job", "j")]), "j!");
    let url = resolved.url();
    assert!(url.starts_with("var-job=x%5Cy%22z&var-multi=a.b&var-multi=c&var-one=a.b&"), "{url}");
}

#[test]
fn values_that_name_each_other_end() {
    let mut resolved = resolved();
    resolved.variables[5].variable.all_value = "$own$own$own".to_owned();
    assert!(resolved.filling(&[], &[], Usage::PromQl).fill("$own").len() < 10_000);
    let long = "x".repeat(100_000);
    resolved.variables[3].chosen = vec![Choice::plain(long)];
    assert!(resolved.filling(&[], &[], Usage::Plain).fill(&"$text".repeat(100)).len() <= 1_100_000);
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_filling(text in ".{0,60}", more in "[$\\[\\]{}:.a-z_\"'`\\\\]{0,40}") {
        let resolved = resolved();
        for usage in [Usage::Words, Usage::PromQl, Usage::LogQl, Usage::Link, Usage::Plain] {
            let _text = resolved.filling(&[], &[], usage).fill(&text);
            let _more = resolved.filling(&[], &[], usage).fill(&more);
        }
    }
}
