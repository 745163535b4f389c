//! What metrics and logs have in common: attributes, resources, scopes.

use serde::Deserialize;

use super::json::{Base64, Double, Int, or_default};

/// A value of any kind; none is possible too.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(from = "AnyJson")]
pub struct AnyValue {
    /// The value.
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub value: Option<Value>,
}

/// The kinds of [`AnyValue`].
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Value {
    /// Text.
    #[prost(string, tag = "1")]
    String(String),
    /// True or false.
    #[prost(bool, tag = "2")]
    Bool(bool),
    /// A whole number.
    #[prost(int64, tag = "3")]
    Int(i64),
    /// A number.
    #[prost(double, tag = "4")]
    Double(f64),
    /// A list.
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    /// Names and values.
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    /// Bytes.
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

/// A list of values.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct ArrayValue {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<AnyValue>,
}

/// Names and values.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct KeyValueList {
    /// Those.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<KeyValue>,
}

/// A name and its value: an attribute.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct KeyValue {
    /// The name.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// The value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// The library that made the data.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct InstrumentationScope {
    /// Its name.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// What else is known of it.
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// Attributes that were left out.
    #[prost(uint32, tag = "4")]
    #[serde(deserialize_with = "super::json::number", rename = "droppedAttributesCount", alias = "dropped_attributes_count")]
    pub dropped_attributes_count: u32,
}

/// What the data is about: a service, a host.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// What is known of it.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue>,
    /// Attributes that were left out.
    #[prost(uint32, tag = "2")]
    #[serde(deserialize_with = "super::json::number", rename = "droppedAttributesCount", alias = "dropped_attributes_count")]
    pub dropped_attributes_count: u32,
}

/// [`AnyValue`] in JSON: an object with one key, which says the kind.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct AnyJson {
    #[serde(alias = "string_value")]
    string_value: Option<String>,
    #[serde(alias = "bool_value")]
    bool_value: Option<bool>,
    #[serde(alias = "int_value")]
    int_value: Option<Int<i64>>,
    #[serde(alias = "double_value")]
    double_value: Option<Double>,
    #[serde(alias = "array_value")]
    array_value: Option<ArrayValue>,
    #[serde(alias = "kvlist_value")]
    kvlist_value: Option<KeyValueList>,
    #[serde(alias = "bytes_value")]
    bytes_value: Option<Base64>,
}

impl From<AnyJson> for AnyValue {
    fn from(json: AnyJson) -> Self {
        let value = (json.string_value.map(Value::String))
            .or_else(|| json.bool_value.map(Value::Bool))
            .or_else(|| json.int_value.map(|Int(value)| Value::Int(value)))
            .or_else(|| json.double_value.map(|Double(value)| Value::Double(value)))
            .or_else(|| json.array_value.map(Value::Array))
            .or_else(|| json.kvlist_value.map(Value::Map))
            .or_else(|| json.bytes_value.map(|Base64(value)| Value::Bytes(value)));
        Self { value }
    }
}

/// The value of an attribute, the first one if there are several.
pub fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|found| found.key == key)?.value.as_ref()
}
