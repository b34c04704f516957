pub fn is_served(_: &str, _: &str) -> bool {
    true
}
pub fn check(_: &crate::yaml::Node, _: &crate::source::Sources) -> Vec<crate::diagnostic::Diagnostic> {
    vec![]
}
