//! Queries that parse, and how they print; none: as they are.

pub(super) const GOOD: &[(&str, Option<&str>)] = &[
    // Selectors.
    (r#"{app="api"}"#, None),
    (r#"{ app = "api" , env != "dev", pod =~ "a.+", zone !~ "b|c" }"#, Some(r#"{app="api", env!="dev", pod=~"a.+", zone!~"b|c"}"#)),
    ("{app=`a\\b`}", Some(r#"{app="a\\b"}"#)),
    (r#"{app="tab\tquote\"\u00e9\x41\101"}"#, Some(r#"{app="tab\tquote\"éAA"}"#)),
    (r#"({app="api"})"#, Some(r#"{app="api"}"#)),
    (r#"{rate="a", count="b", ip="c", auto="d"}"#, None),
    ("# first\n{app=\"api\"} // second\n/* third */ |= \"x\" # fourth", Some(r#"{app="api"} |= "x""#)),
    // Line filters.
    (r#"{a="b"} |= "x" != "y" |~ "z" !~ "w" |> "<_> x" !> "<_> y""#, None),
    (r#"{a="b"} |="x"or"y" or `z`"#, Some(r#"{a="b"} |= "x" or "y" or "z""#)),
    (r#"{a="b"} != "x" or "y""#, Some(r#"{a="b"} != "x" != "y""#)),
    (r#"{a="b"} |= ip("10.0.0.0/8") or "x" != ip("::1")"#, None),
    (r#"{a="b"} |= ip("10.0.0.1-10.0.0.9")"#, None),
    (r#"{a="b"} |= """#, None),
    // Parsers.
    (r#"{a="b"} | json | logfmt | unpack"#, None),
    (r#"{a="b"} | json x="y.z[0]", w, v="[\"odd key\"].u""#, Some(r#"{a="b"} | json x="y.z[0]",w="w",v="[\"odd key\"].u""#)),
    (r#"{a="b"} | logfmt --keep-empty --strict x="y", z"#, Some(r#"{a="b"} | logfmt --strict --keep-empty x="y",z="z""#)),
    (r#"{a="b"} | regexp "(?P<x>\\d+)" | pattern "<ip> - <_> \"<method>\"""#, None),
    // Label filters.
    (r#"{a="b"} | x="1" | x!="1" | x=~"[a-z]+" | x!~"1""#, Some(r#"{a="b"} | x="1" | x!="1" | x=~`[a-z]+` | x!~"1""#)),
    (
        r#"{a="b"} | x=1 | x==1.50 | x!=-1 | x>+2 | x>=1e3 | x<0x1p2 | x<=.5"#,
        Some(r#"{a="b"} | x==1 | x==1.5 | x!=-1 | x>2 | x>=1000 | x<4 | x<=0.5"#),
    ),
    (
        r#"{a="b"} | x>1h30m | x<=1.5s | x==250ms | x!=-5m | x=2d"#,
        Some(r#"{a="b"} | x>1h30m0s | x<=1.5s | x==250ms | x!=-5m0s | x==48h0m0s"#),
    ),
    (r#"{a="b"} | x>5KB | x>=5KiB | x<1.5MB | x<=42B"#, Some(r#"{a="b"} | x>5.0kB | x>=5120B | x<1.5MB | x<=42B"#)),
    (r#"{a="b"} | x=ip("1.2.3.4") | x != ip("::/0")"#, Some(r#"{a="b"} | x=ip("1.2.3.4") | x!=ip("::/0")"#)),
    (r#"{a="b"} | x=1 and y=2 or z=3"#, Some(r#"{a="b"} | ( ( x==1 , y==2 ) or z==3 )"#)),
    (r#"{a="b"} | x=1 or y=2 and z=3"#, Some(r#"{a="b"} | ( x==1 or ( y==2 , z==3 ) )"#)),
    (r#"{a="b"} | x=1 or y=2, z=3 or w=4"#, Some(r#"{a="b"} | ( x==1 or ( y==2 , ( z==3 or w==4 ) ) )"#)),
    (r#"{a="b"} | x=1 y=2 z=3"#, Some(r#"{a="b"} | ( x==1 , ( y==2 , z==3 ) )"#)),
    (r#"{a="b"} | (x=1 or y=2) and (z=3)"#, Some(r#"{a="b"} | ( ( x==1 or y==2 ) , z==3 )"#)),
    (r#"{a="b"} | x=1 or y=2 or z=3"#, Some(r#"{a="b"} | ( ( x==1 or y==2 ) or z==3 )"#)),
    (r#"{a="b"} | json | count > 5 | duration > 1s | bytes > 1KB"#, Some(r#"{a="b"} | json | count>5 | duration>1s | bytes>1.0kB"#)),
    // What changes lines and labels.
    (r#"{a="b"} | line_format "{{.x | ToUpper}}" | label_format x=y,z="{{.w}}""#, None),
    (
        r#"{a="b"} | line_format `{{ "}}" }} {{/* }} */}} {{- .x -}}`"#,
        Some(r#"{a="b"} | line_format "{{ \"}}\" }} {{/* }} */}} {{- .x -}}""#),
    ),
    (
        r#"{a="b"} | decolorize | drop x, y="z" | keep w, v=~"u.+" |= "t""#,
        Some(r#"{a="b"} | decolorize | drop x,y="z" | keep w,v=~"u.+" |= "t""#),
    ),
    // Range aggregations, the range before, between and behind.
    (r#"rate({a="b"}[5m])"#, None),
    (r#"RATE({a="b"} [5m])"#, Some(r#"rate({a="b"}[5m])"#)),
    (r#"count_over_time({a="b"} |= "x" [1h30m] offset 5m)"#, Some(r#"count_over_time({a="b"} |= "x"[1h30m] offset 5m0s)"#)),
    (r#"count_over_time({a="b"}[1m] offset -1h | json |= "x")"#, Some(r#"count_over_time({a="b"} | json |= "x"[1m] offset -1h0m0s)"#)),
    (r#"count_over_time((({a="b"} |= "x")[1m]))"#, Some(r#"count_over_time({a="b"} |= "x"[1m])"#)),
    (r#"sum_over_time({a="b"} | json | unwrap x [1m])"#, Some(r#"sum_over_time({a="b"} | json | unwrap x[1m])"#)),
    (r#"sum_over_time({a="b"}[1m] | unwrap x)"#, Some(r#"sum_over_time({a="b"} | unwrap x[1m])"#)),
    (r#"sum_over_time(({a="b"})[1m] offset 1m | unwrap x)"#, Some(r#"sum_over_time({a="b"} | unwrap x[1m] offset 1m0s)"#)),
    (
        r#"quantile_over_time(0.99, {a="b"} | json | unwrap duration_seconds(x) | x > 1 | __error__="" [1m]) by (c, d)"#,
        Some(r#"quantile_over_time(0.99,{a="b"} | json | unwrap duration_seconds(x) | x>1 | __error__=""[1m]) by (c,d)"#),
    ),
    (r#"max_over_time({a="b"} | unwrap bytes(x)[1m]) without ()"#, None),
    (r#"absent_over_time({a="b"}[1m])"#, None),
    // Vector aggregations.
    (r#"sum by (a) (rate({a="b"}[1m]))"#, Some(r#"sum by (a)(rate({a="b"}[1m]))"#)),
    (r#"sum(rate({a="b"}[1m])) without (a, b)"#, Some(r#"sum without (a,b)(rate({a="b"}[1m]))"#)),
    (r#"avg by () (rate({a="b"}[1m]))"#, Some(r#"avg(rate({a="b"}[1m]))"#)),
    (r#"topk(5, rate({a="b"}[1m])) by (a)"#, Some(r#"topk by (a)(5,rate({a="b"}[1m]))"#)),
    (r#"approx_topk(3, sum by (a) (rate({a="b"}[1m])))"#, Some(r#"approx_topk(3,sum by (a)(rate({a="b"}[1m])))"#)),
    (r#"sort_desc(count(rate({a="b"}[1m])))"#, None),
    // Operators.
    (r#"rate({a="b"}[1m]) + rate({a="c"}[1m]) * 2"#, Some(r#"(rate({a="b"}[1m]) + (rate({a="c"}[1m]) * 2))"#)),
    (r#"rate({a="b"}[1m]) - 1 - 2"#, Some(r#"((rate({a="b"}[1m]) - 1) - 2)"#)),
    (r#"rate({a="b"}[1m]) ^ 2 ^ 3"#, Some(r#"(rate({a="b"}[1m]) ^ 8)"#)),
    (r#"2 ^ rate({a="b"}[1m]) ^ rate({a="b"}[1m])"#, Some(r#"(2 ^ (rate({a="b"}[1m]) ^ rate({a="b"}[1m])))"#)),
    (
        r#"rate({a="b"}[1m]) > bool on (x, y) group_left (z) rate({a="c"}[1m]) or vector(1)"#,
        Some(r#"((rate({a="b"}[1m]) > bool on (x,y) group_left (z) rate({a="c"}[1m])) or vector(1.000000))"#),
    ),
    (
        r#"rate({a="b"}[1m]) / ignoring (x) group_right () rate({a="c"}[1m])"#,
        Some(r#"(rate({a="b"}[1m]) / ignoring (x) group_right rate({a="c"}[1m]))"#),
    ),
    (r#"rate({a="b"}[1m]) and on () rate({a="c"}[1m])"#, Some(r#"(rate({a="b"}[1m]) and on ()  rate({a="c"}[1m]))"#)),
    ("1 + 2 * 3 - -4", Some("11")),
    ("1 > bool 2", Some("0")),
    ("7 % 4 == 3", Some("1")),
    ("1e30", Some("1e+30")),
    (r#"1 / 0 + rate({a="b"}[1m])"#, Some(r#"((0 / 0) + rate({a="b"}[1m]))"#)),
    ("vector(0.1234567)", None),
    (
        r#"label_replace(rate({a="b"}[1m]), "to", "$1", "from", "(.*)")"#,
        Some(r#"label_replace(rate({a="b"}[1m]),"to","$1","from","(.*)")"#),
    ),
];
