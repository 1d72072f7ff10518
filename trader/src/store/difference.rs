//! Where two records part, for people: two lines of JSON show it only to a machine.

use serde_json::Value as Json;

/// The longest value that is shown in a sentence.
const LONGEST: usize = 80;

/// The first field in which two records differ, each written as `TIME JSON`: its path and its two
/// values, named by `left` and `right`.
pub(crate) fn difference(left: (&str, &str), right: (&str, &str)) -> String {
    let ((one, stored), (other, rebuilt)) = (left, right);
    let parts = |text: &str| -> Option<(String, Json)> {
        let (at, json) = text.split_once(' ')?;
        Some((at.to_owned(), serde_json::from_str(json).ok()?))
    };
    let found = match (parts(stored), parts(rebuilt)) {
        (Some((at, _)), Some((again, _))) if at != again => Some(("time".to_owned(), at, again)),
        (Some((_, stored)), Some((_, rebuilt))) => first(String::new(), &stored, &rebuilt),
        // One of them is no record: the data or the journal ended, and the lines below say so.
        _ => return String::new(),
    };
    match found {
        Some((path, a, b)) => format!("first in `{path}`: {one} {a}, {other} {b}"),
        // Same values, other bytes: spelling.
        None => "in spelling only".to_owned(),
    }
}

fn first(path: String, a: &Json, b: &Json) -> Option<(String, String, String)> {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (a, b) {
        (Json::Object(left), Json::Object(right)) => {
            let mut names: Vec<_> =
                left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).collect();
            names.sort_by_key(|name| *name != "kind"); // records of two kinds differ in everything else
            let member = |of: &serde_json::Map<String, Json>, name: &String| {
                of.get(name).cloned().unwrap_or(Json::Null)
            };
            names
                .into_iter()
                .map(|name| (below(name), member(left, name), member(right, name)))
                .find_map(|(path, a, b)| first(path, &a, &b))
        }
        (Json::Array(left), Json::Array(right)) => {
            let longest = left.len().max(right.len());
            let item = |of: &[Json], index: usize| of.get(index).cloned().unwrap_or(Json::Null);
            (0..longest)
                .find_map(|i| first(format!("{path}[{i}]"), &item(left, i), &item(right, i)))
        }
        _ if a == b => None,
        _ => Some((path, excerpt(a), excerpt(b))),
    }
}

fn excerpt(value: &Json) -> String {
    let text = if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::deep(
        r#"T {"kind":"venue","body":{"Fill":{"quantity":5,"price":7}}}"#,
        r#"T {"kind":"venue","body":{"Fill":{"quantity":9,"price":7}}}"#,
        "first in `body.Fill.quantity`: journal 5, replay 9"
    )]
    #[case::list(
        r#"T {"votes":[1,2]}"#,
        r#"T {"votes":[1,2,3]}"#,
        "first in `votes[2]`: journal nothing, replay 3"
    )]
    #[case::time(r#"T {"a":1}"#, r#"U {"a":1}"#, "first in `time`: journal T, replay U")]
    #[case::kind(
        r#"T {"kind":"round","body":1}"#,
        r#"T {"kind":"decision","body":2}"#,
        "first in `kind`: journal \"round\", replay \"decision\""
    )]
    #[case::spelling(r#"T {"a":1.0}"#, r#"T {"a": 1.0}"#, "in spelling only")]
    #[case::over(r#"T {"a":1}"#, "nothing: the data are over", "")]
    fn the_first_field_that_differs_is_named(
        #[case] stored: &str,
        #[case] rebuilt: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(difference(("journal", stored), ("replay", rebuilt)), expected);
    }
}
