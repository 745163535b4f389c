//! Rules that parts of the server make for others.

/// A file of rules that another part of the server makes, in the format of rule files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesMade {
    /// What it is called where rules are shown; no other has this name.
    pub name: String,
    /// The rules.
    pub text: String,
}

/// Evaluates rules that other parts of the server make, beside those of files. Blocking.
pub trait TakeRules: Send + Sync {
    /// Says what is wrong with rules that are not to be taken yet.
    fn check(&self, made: &RulesMade) -> Result<(), String>;

    /// Evaluates these from now on, in place of all that were taken before; those that are wrong are left out, and logged.
    fn take(&self, made: &[RulesMade]);
}
