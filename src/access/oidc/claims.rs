//! Reading what a provider says of a person, wherever it puts it.

use serde_json::{Map, Value};

/// Most groups of one person, and most bytes of one group's name.
const GROUPS_MAX: usize = 2000;
const GROUP_BYTES_MAX: usize = 512;

/// Claims of a person, by name.
pub(super) type Claims = Map<String, Value>;

/// The claim that a path names: to the letter, or with dots that lead inside. Names of claims may have dots
/// themselves, as those that are URLs.
pub(super) fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| find(claims.get(&path[..at])?.as_object()?, &path[at + 1..]))
}

/// A claim that is text and not empty.
pub(super) fn text<'a>(claims: &'a Claims, path: &str) -> Option<&'a str> {
    find(claims, path).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Groups as a claim lists them: a list of texts, one text, or a map whose keys are the names.
pub(super) fn groups(value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::String(one) => vec![one.as_str()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(map) => map.keys().map(String::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    texts.into_iter().filter(|text| !text.is_empty() && text.len() <= GROUP_BYTES_MAX).take(GROUPS_MAX).map(str::to_owned).collect()
}

/// Adds what a second source says of things that the first is silent about.
pub(super) fn fill(claims: &mut Claims, more: Claims) {
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
}

/// Whether the domain of a mail address is one of these.
pub(super) fn has_domain(email: &str, domains: &[String]) -> bool {
    let Some((before, domain)) = email.rsplit_once('@') else { return false };
    !before.is_empty() && domains.iter().any(|allowed| allowed.trim_start_matches('@').eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().cloned().expect("a map")
    }

    #[test]
    fn groups_are_found_wherever_providers_put_them() {
        let all = claims(json!({
            "groups": ["ops", "", 7, "dev"],
            "one": "ops",
            "realm_access": {"roles": ["admin"]},
            "resource_access": {"pharos.example": {"roles": ["editor"]}},
            "https://example.com/claims/groups": ["ops"],
            "urn:zitadel:iam:org:project:roles": {"viewer": {"1": "example.com"}},
            "nothing": null,
        }));
        for (path, found) in [
            ("groups", Some(vec!["ops", "dev"])),
            ("one", Some(vec!["ops"])),
            ("realm_access.roles", Some(vec!["admin"])),
            ("resource_access.pharos.example.roles", Some(vec!["editor"])),
            ("https://example.com/claims/groups", Some(vec!["ops"])),
            ("urn:zitadel:iam:org:project:roles", Some(vec!["viewer"])),
            ("nothing", Some(vec![])),
            ("realm_access.groups", None),
            ("one.two", None),
            ("", None),
        ] {
            assert_eq!(find(&all, path).map(groups), found.map(|list| list.into_iter().map(str::to_owned).collect()), "{path}");
        }
        let many = Value::from((0..GROUPS_MAX + 1).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(groups(&many).len(), GROUPS_MAX);
        assert!(groups(&json!(["x".repeat(GROUP_BYTES_MAX + 1)])).is_empty());
    }

    #[test]
    fn the_first_word_counts() {
        let mut first = claims(json!({"sub": "1", "name": " "}));
        fill(&mut first, claims(json!({"sub": "2", "email": "a@b"})));
        assert_eq!((text(&first, "sub"), text(&first, "email"), text(&first, "name")), (Some("1"), Some("a@b"), None));
    }

    #[test]
    fn domains_are_compared_whole() {
        let domains = ["example.com".to_owned(), "@sub.example.org".to_owned()];
        for (email, is_in) in [
            ("ann@example.com", true),
            ("ann@EXAMPLE.com", true),
            ("ann@sub.example.org", true),
            ("ann@evil-example.com", false),
            ("ann@example.com.evil", false),
            ("ann@evil@example.com", true),
            ("@example.com", false),
            ("example.com", false),
            ("", false),
        ] {
            assert_eq!(has_domain(email, &domains), is_in, "{email}");
        }
    }
}
