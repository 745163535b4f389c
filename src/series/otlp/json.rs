//! How OTLP's JSON differs from plain JSON: numbers may be texts, ids are hexadecimal, enumerations come as numbers or
//! names, `NaN` and `Infinity` are texts, and `null` stands for what is absent. Keys that are not known are passed over.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A value, or its default for `null`.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A whole number, as number or text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Int<T>(pub T);

/// Numbers that [`Int`] may hold.
pub trait Whole: Copy + Default + FromStr + TryFrom<i128> {
    /// What is expected, in words.
    const NAME: &'static str;
}

impl Whole for i64 {
    const NAME: &'static str = "a whole number of 64 bits";
}

impl Whole for u64 {
    const NAME: &'static str = "a whole number of 64 bits that is not negative";
}

impl Whole for i32 {
    const NAME: &'static str = "a whole number of 32 bits";
}

impl Whole for u32 {
    const NAME: &'static str = "a whole number of 32 bits that is not negative";
}

impl<'de, T: Whole> Deserialize<'de> for Int<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: Whole> Visitor<'_> for Reader<T> {
            type Value = Int<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::NAME)
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Int<T>, E> {
                self.visit_i128(value.into())
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Int<T>, E> {
                self.visit_i128(value.into())
            }

            fn visit_i128<E: Error>(self, value: i128) -> Result<Int<T>, E> {
                T::try_from(value).map(Int).map_err(|_| E::custom(format!("{value} is not {}", T::NAME)))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Int<T>, E> {
                // Some writers put 5 as 5.0 or 5e0.
                if value.fract() == 0.0 && value.abs() < 1e19 {
                    self.visit_i128(value as i128)
                } else {
                    Err(E::custom(format!("{value} is not {}", T::NAME)))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Int<T>, E> {
                match (text.parse(), text.parse::<f64>()) {
                    (Ok(value), _) => Ok(Int(value)),
                    (_, Ok(value)) => self.visit_f64(value),
                    _ => Err(E::custom(format!("{text:?} is not {}", T::NAME))),
                }
            }
        }

        from.deserialize_any(Reader(PhantomData))
    }
}

/// A number, as number or text; `NaN`, `Infinity` and `-Infinity` are such texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Double(pub f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Double, E> {
                Ok(Double(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Double, E> {
                Ok(Double(value as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                text.parse().map(Double).map_err(|_| E::custom(format!("{text:?} is not a number")))
            }
        }

        from.deserialize_any(Reader)
    }
}

/// Bytes in base64, with either alphabet, padded or not.
#[derive(Debug, Clone, Default)]
pub struct Base64(pub Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = String::deserialize(from)?;
        let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
        GeneralPurpose::new(&alphabet, ANY_PADDING).decode(&text).map(Self).map_err(|error| D::Error::custom(format!("bytes: {error}")))
    }
}

/// A whole number; `null` is zero.
pub fn number<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<T, D::Error> {
    Ok(Option::<Int<T>>::deserialize(from)?.map_or_else(T::default, |Int(value)| value))
}

/// A whole number that may be absent.
pub fn maybe_number<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Int<T>>::deserialize(from)?.map(|Int(value)| value))
}

/// Whole numbers.
pub fn numbers<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<Int<T>>>::deserialize(from)?.unwrap_or_default().into_iter().map(|Int(value)| value).collect())
}

/// A number; `null` is zero.
pub fn double<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<Double>::deserialize(from)?.unwrap_or_default().0)
}

/// A number that may be absent.
pub fn maybe_double<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Double>::deserialize(from)?.map(|Double(value)| value))
}

/// Numbers.
pub fn doubles<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    Ok(Option::<Vec<Double>>::deserialize(from)?.unwrap_or_default().into_iter().map(|Double(value)| value).collect())
}

/// An id: bytes in hexadecimal.
pub fn hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().ok_or_else(|| D::Error::custom(format!("{text:?} is not an id in hexadecimal digits")))
}

/// A value of an enumeration: its number, or one of `names`, whose positions are the numbers. Names that are not known
/// stand for 0, "unspecified".
pub fn choice<'de, D: Deserializer<'de>>(from: D, names: &'static [&'static str]) -> Result<i32, D::Error> {
    struct Reader(&'static [&'static str]);

    impl<'de> Visitor<'de> for Reader {
        type Value = i32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a name of an enumeration")
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
            Ok(i32::try_from(value).unwrap_or_default())
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
            Ok(i32::try_from(value).unwrap_or_default())
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<i32, E> {
            Ok(value as i32)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
            let by_name = self.0.iter().position(|name| *name == text).map(|at| at as i32);
            Ok(by_name.or_else(|| text.parse().ok()).unwrap_or_default())
        }

        fn visit_unit<E: Error>(self) -> Result<i32, E> {
            Ok(0)
        }
    }

    from.deserialize_any(Reader(names))
}
