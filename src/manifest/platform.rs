//! Documents of DigitalHub's own form → ContainerFunction manifests, every value keeping its place.
//!
//! A platform keeps a function, its tasks and their runs in documents of their own, which refer to each other. Here
//! they become the manifest of the function, with its tasks; a run becomes one of its own, with one task.

mod join;
mod part;

use std::collections::BTreeSet;

use join::{Joined, join};
use part::{Part, Reference, Role};

use super::library::Library;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::Document;
use crate::source::Place;
use crate::yaml::Node;

pub(super) use part::is_exported;

/// The kind whose manifests they become.
pub(super) const KIND: &str = "ContainerFunction";

/// Puts a manifest in the place of each function of a platform; other documents stay as they are.
pub(super) fn assemble(
    documents: Vec<Document>,
    library: &dyn Library,
    findings: &mut Vec<Diagnostic>,
) -> Vec<(Document, bool)> {
    if !documents.iter().any(|document| is_exported(&document.root)) {
        return documents.into_iter().map(|document| (document, false)).collect();
    }
    let mut others = Vec::new();
    let mut desk = Desk { parts: Vec::new(), library, findings };
    for document in documents {
        if is_exported(&document.root) {
            desk.take(document);
        } else {
            others.push((document, false));
        }
    }
    others.extend(desk.join().into_iter().map(|document| (document, true)));
    others
}

/// The documents of a platform that were given, and where to look for others.
struct Desk<'a> {
    parts: Vec<Part>,
    library: &'a dyn Library,
    findings: &'a mut Vec<Diagnostic>,
}

/// A task, its function, and whether it was given or looked up.
struct Found {
    task: Part,
    function: Part,
}

impl Desk<'_> {
    fn take(&mut self, document: Document) {
        match Part::read(document) {
            Ok(parts) => self.parts.extend(parts),
            Err(finding) => self.findings.push(*finding),
        }
    }

    fn join(mut self) -> Vec<Document> {
        let tasks = self.tasks();
        let runs = self.runs(&tasks);
        let run: BTreeSet<Place> = runs.iter().filter_map(|(found, _)| found.place()).collect();
        let used: BTreeSet<Place> = runs.iter().map(|(found, _)| found.function.root.place).collect();
        let mut functions: Vec<Part> = Vec::new();
        let given = self.parts.iter().filter(|part| part.role == Role::Function);
        for function in given.chain(tasks.iter().map(|found| &found.function)) {
            if !functions.iter().any(|known| known.root.place == function.root.place) {
                functions.push(function.clone());
            }
        }
        let mut documents = Vec::new();
        for function in functions {
            let own = tasks.iter().filter(|found| found.function.root.place == function.root.place);
            let own: Vec<Joined<'_>> = own
                .filter(|found| !run.contains(&found.task.root.place))
                .map(|found| Joined { task: Some(&found.task), run: None })
                .collect();
            match own.is_empty() {
                true if used.contains(&function.root.place) => {}
                true => self.findings.push(without_task(&function)),
                false => documents.push(join(&function, &own, self.findings)),
            }
        }
        for (found, run) in &runs {
            let joined = Joined { task: found.task.as_ref(), run: Some(run) };
            documents.push(join(&found.function, &[joined], self.findings));
        }
        documents
    }

    /// The tasks that were given, each with its function.
    fn tasks(&mut self) -> Vec<Found> {
        let is_task = |part: &&Part| matches!(part.role, Role::Task(_));
        let tasks: Vec<Part> = self.parts.iter().filter(is_task).cloned().collect();
        let found = tasks.into_iter().filter_map(|task| match self.function_of(&task) {
            Ok(function) => Some(Found { task, function }),
            Err(finding) => {
                self.findings.push(*finding);
                None
            }
        });
        found.collect()
    }

    fn function_of(&self, part: &Part) -> Result<Part, Box<Diagnostic>> {
        let Some(node) = part.spec("function") else {
            // In a file, tasks follow their function.
            let before = self.parts.iter().take_while(|other| other.root.place != part.root.place);
            let nearest = before.filter(|other| {
                other.role == Role::Function && other.root.place.source == part.root.place.source
            });
            return nearest.last().cloned().ok_or_else(|| Box::new(part.lacks("function")));
        };
        let reference = Reference::read(node)?;
        let is_function = |part: &Part| part.role == Role::Function;
        self.find(&reference, &is_function).ok_or_else(|| {
            let names: Vec<String> = self.names(&is_function);
            Box::new(reference.unresolved("function", &names))
        })
    }

    /// The runs that were given, each with its task and function.
    fn runs(&mut self, tasks: &[Found]) -> Vec<(RunOf, Part)> {
        let is_run = |part: &&Part| matches!(part.role, Role::Run(_));
        let runs: Vec<Part> = self.parts.iter().filter(is_run).cloned().collect();
        let mut found = Vec::new();
        for run in runs {
            match self.task_of(&run, tasks) {
                Ok(of) => found.push((of, run)),
                Err(finding) => self.findings.push(*finding),
            }
        }
        found
    }

    fn task_of(&self, run: &Part, tasks: &[Found]) -> Result<RunOf, Box<Diagnostic>> {
        let Some(node) = run.spec("task") else {
            // As where a platform is asked to run a function: its task of the kind, or a new one.
            let function = self.function_of(run)?;
            let is_own = |found: &&Found| {
                found.function.root.place == function.root.place && found.task.action() == run.action()
            };
            let task = tasks.iter().find(is_own).map(|found| found.task.clone());
            return Ok(RunOf { task, function });
        };
        let reference = Reference::read(node)?;
        let is_task = |part: &Part| matches!(part.role, Role::Task(_));
        let Some(task) = self.find(&reference, &is_task) else {
            return Err(Box::new(reference.unresolved("task", &self.names(&is_task))));
        };
        let function = self.function_of(&task)?;
        Ok(RunOf { task: Some(task), function })
    }

    fn find(&self, reference: &Reference<'_>, is_meant: &dyn Fn(&Part) -> bool) -> Option<Part> {
        let is_meant = |part: &&Part| is_meant(part) && reference.means(part);
        if let Some(part) = self.parts.iter().find(is_meant) {
            return Some(part.clone());
        }
        let names = [Some(reference.name), reference.project];
        let documents = names.into_iter().flatten().flat_map(|name| self.library.named(name));
        let parts =
            documents.filter(|document| is_exported(&document.root)).filter_map(|d| Part::read(d).ok());
        let parts: Vec<Part> = parts.flatten().collect();
        parts.iter().find(is_meant).cloned()
    }

    fn names(&self, is_meant: &dyn Fn(&Part) -> bool) -> Vec<String> {
        let given = self.parts.iter().filter(|part| is_meant(part)).filter_map(|part| part.name());
        given.map(str::to_owned).chain(self.library.names()).collect()
    }
}

/// What a run is of: a task that need not be written, and its function.
struct RunOf {
    task: Option<Part>,
    function: Part,
}

impl RunOf {
    fn place(&self) -> Option<Place> {
        self.task.as_ref().map(|task| task.root.place)
    }
}

fn without_task(function: &Part) -> Diagnostic {
    let name = function.name().unwrap_or_default();
    Diagnostic::note("no-task", format!("the function `{name}` has no task, so nothing comes of it"))
        .at(function.name_place())
        .help("give its tasks too: documents of the kind `container+job`, `container+serve` …")
}

impl Reference<'_> {
    fn unresolved(&self, what: &str, names: &[String]) -> Diagnostic {
        let message = format!("there is no {what} `{}` among the manifests of this run", self.text());
        let finding = Diagnostic::error("unresolved-reference", message).at(self.place).label("not found");
        match did_you_mean(self.name, names.iter().map(String::as_str)) {
            Some(near) if near == self.name => finding
                .help(format!("`{near}` is there in another project or version: give the one that is meant")),
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding
                .help("name the file that has it too, or list its folder under `manifests` in daphnia.toml"),
        }
    }
}

/// A name as Kubernetes takes it: `my_function` → `my-function`.
fn kubernetes_name(name: &str) -> String {
    let letters = name.chars().map(|c| c.to_ascii_lowercase());
    let plain: String = letters.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.trim_matches('-').to_owned()
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|node| !node.is_null())
}
