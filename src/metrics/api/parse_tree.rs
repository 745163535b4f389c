//! Expressions as the JSON of `/api/v1/parse_query`: names and fields as upstream's `translateAST`.

use serde_json::{Map, Value, json};

use crate::base::float::plain;
use crate::metrics::query::ast::{
    Aggregate, At, Binary, Call, Cardinality, DurationExpr, Expr, ExprKind, Extension, Modifiers, Subquery, ValueType, VectorMatching,
    VectorSelector,
};
use crate::metrics::query::parse::text::without_raw_bytes;

/// The tree of an expression. With `positions`, which upstream does not have, every node also tells its bytes from
/// `start` to `end` (excluded) in the text.
pub fn tree(expr: &Expr, positions: bool) -> Value {
    let mut node = match &expr.kind {
        ExprKind::Number(number) => json!({"type": "numberLiteral", "val": plain(number.value)}),
        ExprKind::String(text) => json!({"type": "stringLiteral", "val": without_raw_bytes(text)}),
        ExprKind::Selector(selector) => selector_fields("vectorSelector", selector),
        ExprKind::Range(range) => {
            let mut node = selector_fields("matrixSelector", &range.selector);
            set(&mut node, "range", fixed(Some(&range.range)));
            set(&mut node, "rangeExpr", computed(Some(&range.range)));
            node
        }
        ExprKind::Subquery(subquery) => subquery_node(subquery, positions),
        ExprKind::Unary { negate, expr } => {
            json!({"type": "unaryExpr", "op": if *negate { "-" } else { "+" }, "expr": tree(expr, positions)})
        }
        ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": tree(inner, positions)}),
        ExprKind::Binary(binary) => binary_node(binary, positions),
        ExprKind::Aggregate(aggregate) => aggregate_node(aggregate, positions),
        ExprKind::Call(call) => call_node(call, positions),
    };
    if positions {
        set(&mut node, "start", expr.span.start.into());
        set(&mut node, "end", expr.span.end.into());
    }
    node
}

fn set(node: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = node {
        fields.insert(field.to_owned(), value);
    }
}

fn aggregate_node(aggregate: &Aggregate, positions: bool) -> Value {
    json!({
        "type": "aggregation",
        "op": aggregate.op.as_str(),
        "expr": tree(&aggregate.expr, positions),
        "param": aggregate.param.as_ref().map(|param| tree(param, positions)),
        "grouping": aggregate.grouping,
        "without": aggregate.without,
    })
}

fn binary_node(binary: &Binary, positions: bool) -> Value {
    json!({
        "type": "binaryExpr",
        "op": binary.op.as_str(),
        "lhs": tree(&binary.left, positions),
        "rhs": tree(&binary.right, positions),
        "matching": binary.matching.as_ref().map(matching),
        "bool": binary.return_bool,
    })
}

fn matching(matching: &VectorMatching) -> Value {
    let card = match matching.cardinality {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": card,
        "labels": matching.labels,
        "on": matching.on,
        "include": matching.include,
        "fillValues": {"lhs": matching.fill_left.map(number), "rhs": matching.fill_right.map(number)},
    })
}

/// Whole numbers without a fraction, as Go writes them.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 { json!(value as i64) } else { json!(value) }
}

fn call_node(call: &Call, positions: bool) -> Value {
    let function = call.function;
    json!({
        "type": "call",
        "func": {
            "name": function.name,
            "argTypes": function.args.iter().map(|&arg| type_name(arg)).collect::<Vec<_>>(),
            "variadic": function.variadic,
            "returnType": type_name(function.returns),
        },
        "args": call.args.iter().map(|arg| tree(arg, positions)).collect::<Vec<_>>(),
    })
}

const fn type_name(value: ValueType) -> &'static str {
    match value {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
        ValueType::String => "string",
    }
}

fn selector_fields(kind: &str, selector: &VectorSelector) -> Value {
    let matchers: Vec<Value> = selector
        .matchers
        .iter()
        .map(|matcher| json!({"name": matcher.name, "value": without_raw_bytes(&matcher.value), "type": matcher.op.as_str()}))
        .collect();
    let mut node = json!({
        "type": kind,
        "name": selector.name.as_deref().unwrap_or(""),
        "matchers": matchers,
        "anchored": selector.extension == Extension::Anchored,
        "smoothed": selector.extension == Extension::Smoothed,
    });
    if let Value::Object(fields) = &mut node {
        modifiers(fields, &selector.modifiers);
    }
    node
}

fn modifiers(fields: &mut Map<String, Value>, modifiers: &Modifiers) {
    fields.insert("offset".to_owned(), fixed(modifiers.offset.as_ref()));
    fields.insert("offsetExpr".to_owned(), computed(modifiers.offset.as_ref()));
    let (timestamp, start_or_end) = match modifiers.at {
        None => (Value::Null, Value::Null),
        Some(At::Time(ms)) => (ms.into(), Value::Null),
        Some(At::Start) => (Value::Null, "start".into()),
        Some(At::End) => (Value::Null, "end".into()),
    };
    fields.insert("timestamp".to_owned(), timestamp);
    fields.insert("startOrEnd".to_owned(), start_or_end);
}

fn subquery_node(subquery: &Subquery, positions: bool) -> Value {
    let mut node = json!({
        "type": "subquery",
        "expr": tree(&subquery.expr, positions),
        "range": fixed(Some(&subquery.range)),
        "rangeExpr": computed(Some(&subquery.range)),
        "step": fixed(subquery.step.as_ref()),
        "stepExpr": computed(subquery.step.as_ref()),
    });
    if let Value::Object(fields) = &mut node {
        modifiers(fields, &subquery.modifiers);
    }
    node
}

/// Milliseconds of a duration known from the text, 0 for others.
fn fixed(duration: Option<&DurationExpr>) -> Value {
    match duration {
        Some(DurationExpr::Fixed(ms)) => (*ms).into(),
        _ => 0.into(),
    }
}

/// The tree of a duration that is computed, null for others.
fn computed(duration: Option<&DurationExpr>) -> Value {
    match duration {
        None | Some(DurationExpr::Fixed(_)) => Value::Null,
        Some(expr) => duration_tree(expr, false),
    }
}

fn duration_tree(expr: &DurationExpr, wrapped: bool) -> Value {
    let node = |op: &str, lhs: Option<&DurationExpr>, rhs: Option<&DurationExpr>| {
        json!({
            "type": "durationExpr",
            "op": op,
            "lhs": lhs.map(|side| duration_tree(side, false)),
            "rhs": rhs.map(|side| duration_tree(side, false)),
            "wrapped": wrapped,
        })
    };
    match expr {
        DurationExpr::Number { secs, is_duration } => json!({"type": "numberLiteral", "val": plain(*secs), "duration": is_duration}),
        DurationExpr::Fixed(ms) => json!({"type": "numberLiteral", "val": plain(*ms as f64 / 1000.0), "duration": true}),
        DurationExpr::Step => node("step", None, None),
        DurationExpr::QueryRange => node("range", None, None),
        DurationExpr::Min(left, right) => node("min_of", Some(left), Some(right)),
        DurationExpr::Max(left, right) => node("max_of", Some(left), Some(right)),
        DurationExpr::Unary { negate, expr } => node(if *negate { "-" } else { "+" }, None, Some(expr)),
        DurationExpr::Binary(op, left, right) => node(op.as_str(), Some(left), Some(right)),
        // Parentheses are a mark on what they hold; a bare number gets a plus sign to carry the mark.
        DurationExpr::Paren(inner) => match &**inner {
            number @ (DurationExpr::Number { .. } | DurationExpr::Fixed(_)) => json!({
                "type": "durationExpr",
                "op": "+",
                "lhs": null,
                "rhs": duration_tree(number, false),
                "wrapped": true,
            }),
            other => duration_tree(other, true),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::query::parse::{ParseOptions, parse};

    fn of(query: &str) -> Value {
        tree(&parse(query, &ParseOptions::ALL).unwrap(), false)
    }

    #[test]
    fn fields_are_upstreams() {
        for (query, json) in [
            ("1e3", r#"{"type":"numberLiteral","val":"1000"}"#),
            (r#""a\xff""#, "{\"type\":\"stringLiteral\",\"val\":\"a\u{fffd}\"}"),
            (
                "-(up)",
                r#"{"expr":{"expr":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"up"}],"name":"up","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"type":"parenExpr"},"op":"-","type":"unaryExpr"}"#,
            ),
            (
                r#"{a="b"}[5m] smoothed @ 1.5 offset -1m"#,
                r#"{"anchored":false,"matchers":[{"name":"a","type":"=","value":"b"}],"name":"","offset":-60000,"offsetExpr":null,"range":300000,"rangeExpr":null,"smoothed":true,"startOrEnd":null,"timestamp":1500,"type":"matrixSelector"}"#,
            ),
            (
                "round(vector(1))",
                r#"{"args":[{"args":[{"type":"numberLiteral","val":"1"}],"func":{"argTypes":["scalar"],"name":"vector","returnType":"vector","variadic":0},"type":"call"}],"func":{"argTypes":["vector","scalar"],"name":"round","returnType":"vector","variadic":1},"type":"call"}"#,
            ),
        ] {
            assert_eq!(of(query).to_string(), json, "{query}");
        }
    }

    #[test]
    fn operators_and_aggregations() {
        let node = of("topk by (a) (2, x) > bool on (a) group_left (b) fill_left (-1) y");
        assert_eq!(node["type"], "binaryExpr");
        assert_eq!((&node["op"], &node["bool"]), (&json!(">"), &json!(true)));
        let matching =
            json!({"card": "many-to-one", "labels": ["a"], "on": true, "include": ["b"], "fillValues": {"lhs": -1, "rhs": null}});
        assert_eq!(node["matching"], matching);
        assert_eq!((&node["lhs"]["op"], &node["lhs"]["grouping"], &node["lhs"]["without"]), (&json!("topk"), &json!(["a"]), &json!(false)));
        assert_eq!(node["lhs"]["param"], json!({"type": "numberLiteral", "val": "2"}));
        assert_eq!(of("sum(x)")["param"], Value::Null);
        assert_eq!(of("x and y")["matching"]["card"], "many-to-many");
        assert_eq!(of("x + 1")["matching"], Value::Null);
    }

    #[test]
    fn computed_durations() {
        let node = of("x[1h:(5m)] @ end() offset -step()");
        assert_eq!(
            (&node["range"], &node["step"], &node["offset"], &node["startOrEnd"]),
            (&json!(3_600_000), &json!(0), &json!(0), &json!("end"))
        );
        let five = json!({"type": "numberLiteral", "val": "300", "duration": true});
        assert_eq!(node["stepExpr"], json!({"type": "durationExpr", "op": "+", "lhs": null, "rhs": five, "wrapped": true}));
        let step = json!({"type": "durationExpr", "op": "step", "lhs": null, "rhs": null, "wrapped": false});
        assert_eq!(node["offsetExpr"], json!({"type": "durationExpr", "op": "-", "lhs": null, "rhs": step, "wrapped": false}));
        assert_eq!(of("x[(5m*2)]")["rangeExpr"]["wrapped"], true);
    }

    #[test]
    fn positions_on_demand() {
        let expr = parse("1 + up", &ParseOptions::ALL).unwrap();
        let node = tree(&expr, true);
        assert_eq!((&node["start"], &node["end"], &node["rhs"]["start"]), (&json!(0), &json!(6), &json!(4)));
    }
}
