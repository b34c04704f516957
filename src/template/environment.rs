//! What templates may do: the language, its limits, and how it writes values.

use std::sync::{Arc, Mutex};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig};

use super::{Imports, Slot, Slots, TOKEN, TOKEN_END, context, lock};

/// Instructions that one template may use; the largest example needs a hundredth of it.
const FUEL: u64 = 1_000_000;
const RECURSION: usize = 64;
/// Filters that would put raw text, or text of another syntax, into the output, and those that make any amount of it.
const WITHHELD: &[&str] =
    &["safe", "escape", "e", "tojson", "urlencode", "pprint", "indent", "format", "batch", "slice"];

pub(super) fn environment(slots: Arc<Mutex<Slots>>, imports: Imports) -> Environment<'static> {
    let mut environment = Environment::new();
    keep_values(&mut environment, slots);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters differ"));
    environment.set_recursion_limit(RECURSION);
    environment.set_fuel(Some(FUEL));
    // A named mode makes captured blocks count as safe, which tells a template's own text from values.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("yaml".into()));
    for name in WITHHELD {
        environment.remove_filter(name);
    }
    context::add_filters(&mut environment);
    environment.set_path_join_callback(move |name, parent| {
        let imports = imports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let meant = imports.get(&(parent.to_owned(), name.to_owned()));
        meant.map_or_else(|| name.to_owned(), String::clone).into()
    });
    environment
}

/// Keeps each value that is written, and writes a token in its place.
pub(super) fn keep_values(environment: &mut Environment<'static>, slots: Arc<Mutex<Slots>>) {
    environment.set_formatter(move |out, _, value| {
        let mut slots = lock(&slots);
        let slots_now = &mut *slots;
        let slot = if value.is_safe() {
            let text = value.as_str().unwrap_or_default();
            slots_now.budget.spend(text.len())?;
            Slot::Fragment(text.to_owned())
        } else {
            let origin = slots_now.reads.origin(value, &slots_now.literals);
            Slot::Value(context::to_node(value, &slots_now.reads, &mut slots_now.budget)?, origin)
        };
        let index = slots.values.len();
        slots.values.push(slot);
        drop(slots);
        write!(out, "{TOKEN}{index}{TOKEN_END}")?;
        Ok(())
    });
}
