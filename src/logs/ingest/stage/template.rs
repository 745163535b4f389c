//! `template`: a value made from other values by a Go template.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use gotmpl::{FuncMap, Template, Value};

use super::{Entry, Moment, plain_stage};

/// Most bytes that one template may write.
const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Most rounds of `range` in one template.
const ROUNDS_MAX: u64 = 10_000;

/// The stage.
#[derive(Clone)]
pub(super) struct Make {
    /// The value that is made; in the template it is `.Value`.
    source: String,
    template: Template,
}

impl fmt::Debug for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Make({})", self.source)
    }
}

impl Make {
    /// The stage; fails on a template that is none.
    pub(super) fn new(source: String, template: &str) -> Result<Self, String> {
        let template = Template::new("pipeline_template").max_range_iters(ROUNDS_MAX).funcs(functions()).parse(template);
        Ok(Self { source, template: template.map_err(|error| error.to_string())? })
    }

    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        let mut data: BTreeMap<Arc<str>, Value> =
            entry.extracted.iter().map(|(name, value)| (name.as_str().into(), Value::String(value.as_str().into()))).collect();
        let own = entry.extracted.get(&self.source).map_or("", String::as_str);
        data.insert("Value".into(), Value::String(own.into()));
        data.insert("Entry".into(), Value::String(entry.text.as_str().into()));
        match render(&self.template, &Value::Map(Arc::new(data))) {
            // As upstream: nothing made is nothing found.
            Ok(text) if text.is_empty() => {
                entry.extracted.remove(&self.source);
            }
            Ok(text) => entry.extract(&self.source.clone(), text),
            Err(error) => tracing::debug!(%error, "a template stage failed"),
        }
        true
    }
}

plain_stage!(Make);

/// Runs a template, as far as its output stays within bounds. A value that is not there writes nothing.
pub(super) fn render(template: &Template, data: &Value) -> Result<String, String> {
    let mut out = Bounded(String::new());
    template.execute_fmt(&mut out, data).map_err(|error| error.to_string())?;
    Ok(if out.0.contains("<no value>") { out.0.replace("<no value>", "") } else { out.0 })
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The functions of Promtail's templates beyond Go's own.
pub(super) fn functions() -> FuncMap {
    let mut map = FuncMap::new();
    let mut add = |name: &str, call: fn(&[String]) -> Result<String, String>| {
        let named = name.to_owned();
        let function = move |args: &[Value]| -> Result<Value, gotmpl::TemplateError> {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            match call(&args) {
                Ok(text) => Ok(Value::String(text.into())),
                Err(why) => Err(gotmpl::TemplateError::Exec(format!("{named}: {why}"))),
            }
        };
        map.insert(name.to_owned(), Arc::new(function));
    };
    add("ToLower", |args| Ok(arg(args, 0)?.to_lowercase()));
    add("ToUpper", |args| Ok(arg(args, 0)?.to_uppercase()));
    add("Replace", |args| {
        let count: i64 = arg(args, 3)?.parse().map_err(|_| "the fourth argument is a number".to_owned())?;
        let (text, old, new) = (arg(args, 0)?, arg(args, 1)?, arg(args, 2)?);
        bounded(match usize::try_from(count) {
            Ok(count) => text.replacen(old, new, count),
            Err(_) => text.replace(old, new),
        })
    });
    add("Trim", |args| {
        let cut: Vec<char> = arg(args, 1)?.chars().collect();
        Ok(arg(args, 0)?.trim_matches(cut.as_slice()).to_owned())
    });
    add("TrimLeft", |args| {
        let cut: Vec<char> = arg(args, 1)?.chars().collect();
        Ok(arg(args, 0)?.trim_start_matches(cut.as_slice()).to_owned())
    });
    add("TrimRight", |args| {
        let cut: Vec<char> = arg(args, 1)?.chars().collect();
        Ok(arg(args, 0)?.trim_end_matches(cut.as_slice()).to_owned())
    });
    add("TrimPrefix", |args| Ok(arg(args, 0)?.strip_prefix(arg(args, 1)?).unwrap_or(arg(args, 0)?).to_owned()));
    add("TrimSuffix", |args| Ok(arg(args, 0)?.strip_suffix(arg(args, 1)?).unwrap_or(arg(args, 0)?).to_owned()));
    add("TrimSpace", |args| Ok(arg(args, 0)?.trim().to_owned()));
    add("regexReplaceAll", |args| {
        let regex = super::selector::regex(arg(args, 0)?)?;
        bounded(regex.replace_all(arg(args, 1)?, arg(args, 2)?).into_owned())
    });
    add("regexReplaceAllLiteral", |args| {
        let regex = super::selector::regex(arg(args, 0)?)?;
        bounded(regex.replace_all(arg(args, 1)?, regex::NoExpand(arg(args, 2)?)).into_owned())
    });
    add("Hash", |args| Ok(hash(arg(args, 0)?, arg(args, 1)?)));
    add("Sha2Hash", |args| Ok(hash(arg(args, 0)?, arg(args, 1)?)));
    map
}

fn hash(salt: &str, text: &str) -> String {
    use sha2::{Digest, Sha256};
    let sum = Sha256::new().chain_update(salt.as_bytes()).chain_update(text.as_bytes()).finalize();
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bounded(text: String) -> Result<String, String> {
    if text.len() > OUTPUT_BYTES_MAX { Err(format!("more than {OUTPUT_BYTES_MAX} bytes")) } else { Ok(text) }
}

fn arg(args: &[String], at: usize) -> Result<&str, String> {
    args.get(at).map(String::as_str).ok_or_else(|| format!("argument {} is missing", at + 1))
}
