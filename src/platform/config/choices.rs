//! Enums whose variants are words of a file: one declaration gives the enum, its reading and its printing.

/// Declares an enum that is written as one of a few words. The first is the default.
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $name:ident;
        $( $(#[$about:meta])* $variant:ident = $word:literal ),+ $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$about])* $variant, )+
        }

        impl $name {
            /// Every one, in the order of forms.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// From its word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl $crate::platform::config::value::Value for $name {
            fn read(section: &mut $crate::platform::config::section::Section<'_, '_>, key: &'static str) -> Option<Self> {
                section.choice(key, &[$(($word, Self::$variant)),+])
            }

            fn write(&self, key: &str, out: &mut $crate::platform::config::yaml::MapWriter) {
                out.text_if(key, self.as_str());
            }

            fn shape() -> $crate::platform::config::shape::Shape {
                $crate::platform::config::shape::Shape::Choice(&[$($word),+])
            }
        }
    };
}
pub(crate) use choices;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::platform::config::diagnostic::{Diagnostic, Report};
    use crate::platform::config::keys::{keys, read_map, to_node};
    use crate::platform::config::yaml;

    choices! {
        /// Which way is up.
        Way;
        /// Up.
        Up = "up",
        /// Down.
        Down = "down",
    }

    keys! {
        /// Where to.
        Step, "a step";
        /// Which way.
        way: Way,
        /// How far.
        far: Option<f64>,
    }

    fn read(text: &str) -> Result<Option<Step>, String> {
        let document = yaml::parse(text).unwrap();
        let mut report = Report::new(Path::new("x"));
        let found = crate::platform::config::section::Section::open(&document.root, "x", &mut report)
            .and_then(|mut section| section.node("step").and_then(|node| read_map::<Step>(node, &mut section)));
        let told = |all: Vec<Diagnostic>| all.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
        report.finish().map(|_| found).map_err(told)
    }

    #[test]
    fn words_read_back_as_they_are_written() {
        for (text, step) in [("{}", Step::default()), ("{way: down, far: 2.5}", Step { way: Way::Down, far: Some(2.5) })] {
            let found = read(&format!("step: {text}")).unwrap().unwrap();
            assert_eq!(found, step);
            let printed = yaml::print(&to_node(&found)).replace('\n', "\n  ");
            assert_eq!(read(&format!("step:\n  {printed}")).unwrap().unwrap(), step, "{printed}");
        }
        assert_eq!(Way::ALL.iter().map(|way| Way::parse(way.as_str())).collect::<Vec<_>>(), [Some(Way::Up), Some(Way::Down)]);
    }

    #[test]
    fn other_words_are_refused_with_those_that_may_be() {
        let told = read("step: {way: left, far: .inf}").unwrap_err();
        assert!(told.contains("way: read \"left\", expected up or down"), "{told}");
        assert!(told.contains("far: expected a number"), "{told}");
    }
}
