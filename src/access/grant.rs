//! From groups elsewhere to a role here.

use super::policy::Role;
use crate::platform::config::settings::DefaultRole;

/// Which groups give which role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap {
    /// Groups of administrators.
    pub admin: Vec<String>,
    /// Groups of editors.
    pub editor: Vec<String>,
    /// Groups of viewers.
    pub viewer: Vec<String>,
    /// The role of everybody else; `None` keeps them outside.
    pub default: Option<Role>,
}

impl RoleMap {
    /// The most that any of the groups gives. Names are compared to the letter.
    pub fn role_of(&self, groups: &[String]) -> Option<Role> {
        let is_in = |wanted: &[String]| groups.iter().any(|group| wanted.contains(group));
        [(Role::Admin, &self.admin), (Role::Editor, &self.editor), (Role::Viewer, &self.viewer)]
            .into_iter()
            .find(|(_, wanted)| is_in(wanted))
            .map(|(role, _)| role)
            .or(self.default)
    }

    /// Whether any group is named.
    pub fn has_groups(&self) -> bool {
        !(self.admin.is_empty() && self.editor.is_empty() && self.viewer.is_empty())
    }

    /// Whether it gives nobody a role.
    pub fn gives_nothing(&self) -> bool {
        !self.has_groups() && self.default.is_none()
    }
}

/// The role that a setting names.
pub fn default_role(word: DefaultRole) -> Option<Role> {
    Role::parse(word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_highest_role_counts() {
        let map =
            RoleMap { admin: strings(&["ops"]), editor: strings(&["dev", "qa"]), viewer: strings(&["staff"]), default: Some(Role::Viewer) };
        for (groups, role) in [
            (&["staff", "qa", "ops"][..], Role::Admin),
            (&["staff", "qa"], Role::Editor),
            (&["staff"], Role::Viewer),
            (&["OPS"], Role::Viewer),
            (&[], Role::Viewer),
        ] {
            assert_eq!(map.role_of(&strings(groups)), Some(role), "{groups:?}");
        }
        let strict = RoleMap { default: None, ..map };
        assert_eq!((strict.role_of(&strings(&["guests"])), strict.role_of(&[])), (None, None));
        assert!(!strict.gives_nothing() && RoleMap::default().gives_nothing());
        assert!(!RoleMap { default: Some(Role::Viewer), ..RoleMap::default() }.gives_nothing());
    }

    #[test]
    fn the_words_of_the_setting_are_roles() {
        let roles = [DefaultRole::None, DefaultRole::Viewer, DefaultRole::Editor, DefaultRole::Admin].map(default_role);
        assert_eq!(roles, [None, Some(Role::Viewer), Some(Role::Editor), Some(Role::Admin)]);
    }
}
