//! What is under way → lines at the bottom of a terminal, which go when it is over.

use std::io::IsTerminal as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{plural, without_controls};
use crate::object::ObjectId;

/// So many objects are shown at a time.
const SHOWN: usize = 6;
const TICK: Duration = Duration::from_millis(100);

/// All that is written to the terminal has to make way for it.
static SCREEN: OnceLock<MultiProgress> = OnceLock::new();

/// Writes something while no live line is in its way.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    match SCREEN.get() {
        Some(screen) => screen.suspend(write),
        None => write(),
    }
}

#[derive(Debug)]
pub(super) struct Live {
    screen: &'static MultiProgress,
    view: Mutex<View>,
}

#[derive(Debug, Default)]
struct View {
    /// What is under way, in the order in which it began.
    objects: Vec<(ObjectId, String)>,
    heading: Option<ProgressBar>,
    lines: Vec<ProgressBar>,
}

impl Live {
    /// `None` where there is nobody to watch: no terminal, or one that cannot move its cursor.
    pub(super) fn new() -> Option<Live> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if is_dumb || !std::io::stderr().is_terminal() {
            return None;
        }
        let screen = SCREEN.get_or_init(MultiProgress::new);
        Some(Live { screen, view: Mutex::default() })
    }

    pub(super) fn set(&self, id: &ObjectId, state: &str) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        match view.objects.iter_mut().find(|(known, _)| known == id) {
            Some((_, known)) if known == state => return,
            Some((_, known)) => state.clone_into(known),
            None => view.objects.push((id.clone(), state.to_owned())),
        }
        view.show(self.screen);
    }

    pub(super) fn remove(&self, id: &ObjectId) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = view.objects.iter().position(|(known, _)| known == id) {
            view.objects.remove(index);
            view.show(self.screen);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.objects.clear();
        view.show(self.screen);
    }
}

impl View {
    fn show(&mut self, screen: &MultiProgress) {
        let shown = self.objects.len().min(SHOWN);
        while self.lines.len() > shown {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
                screen.remove(&line);
            }
        }
        if shown == 0 {
            if let Some(heading) = self.heading.take() {
                heading.finish_and_clear();
                screen.remove(&heading);
            }
            return;
        }
        let heading = self.heading.get_or_insert_with(|| {
            let heading =
                screen.add(ProgressBar::new_spinner().with_style(style("{spinner} {elapsed} {wide_msg}")));
            heading.enable_steady_tick(TICK);
            heading
        });
        let more = self.objects.len() - shown;
        let more = if more > 0 { format!(", {more} of them not shown") } else { String::new() };
        heading.set_message(format!("waiting for {}{more}", plural(self.objects.len(), "object")));
        while self.lines.len() < shown {
            self.lines.push(screen.add(ProgressBar::new_spinner().with_style(style("  {wide_msg}"))));
        }
        for (line, (id, state)) in self.lines.iter().zip(&self.objects) {
            line.set_message(without_controls(&format!("{id}: {state}")).replace(['\n', '\t'], " "));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
