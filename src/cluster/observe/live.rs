//! What is there of some objects: one list per kind and namespace, of which each item is looked at as it is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::StreamExt as _;

use super::{CONCURRENCY, Target, gather};
use crate::cluster::Cluster;
use crate::cluster::call::Call;
use crate::cluster::list::page_for;
use crate::cluster::refusal::Attempt;
use crate::cluster::request::Failure;
use crate::diagnostic::Diagnostics;
use crate::object::ObjectId;
use crate::source::Place;
use crate::yaml::{Key, Node};

/// Makes something of an object as it is to be and as it is.
pub(in crate::cluster) type Look<T> = Arc<dyn Fn(&Target, Node) -> T + Send + Sync>;

/// Objects that one list may have: their numbers among all.
struct Group {
    targets: Arc<Vec<Target>>,
    numbers: Vec<usize>,
}

impl Group {
    fn members(&self) -> impl Iterator<Item = (usize, &Target)> {
        self.numbers.iter().map(|number| (*number, &self.targets[*number]))
    }

    fn first(&self) -> &Target {
        &self.targets[self.numbers[0]]
    }
}

impl Cluster {
    /// Reads the objects as they are. Of each, only what is made of it is kept; `None` stands for what is not there.
    pub(in crate::cluster) async fn live<T: Send + 'static>(
        &self,
        targets: &Arc<Vec<Target>>,
        look: &Look<T>,
    ) -> Result<Vec<Option<T>>, Diagnostics> {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, target) in targets.iter().enumerate().filter(|(_, target)| !target.is_ahead) {
            let path = target.resource.path(target.object.id.namespace.as_deref());
            groups.entry(path).or_default().push(number);
        }
        let lists = futures::stream::iter(groups)
            .map(|(path, numbers)| async move {
                let group = Group { targets: Arc::clone(targets), numbers };
                self.live_group(&path, &group, look).await
            })
            .buffered(CONCURRENCY);
        let lists = gather(lists.collect().await)?;
        let mut live: Vec<Option<T>> = targets.iter().map(|_| None).collect();
        lists.into_iter().flatten().for_each(|(number, found)| live[number] = Some(found));
        Ok(live)
    }

    async fn live_group<T: Send + 'static>(
        &self,
        path: &str,
        group: &Group,
        look: &Look<T>,
    ) -> Result<Vec<(usize, T)>, Diagnostics> {
        let mut list = Call::list(path);
        if let [only] = group.numbers.as_slice() {
            let name = &group.targets[*only].object.id.name;
            list = list.query("fieldSelector", format!("metadata.name={name}"));
        }
        let wanted = group.members().map(|(number, target)| (target.object.id.name.clone(), number));
        let wanted: HashMap<String, usize> = wanted.collect();
        let (targets, look_at, place) = (Arc::clone(&group.targets), Arc::clone(look), self.place);
        let make = move |item: Node| {
            let number = *wanted.get(item.at(["metadata", "name"])?.as_str()?)?;
            let target = &targets[number];
            Some((number, look_at(target, named(item, &target.object.id, place))))
        };
        match self.each_item(&list, page_for(group.numbers.len()), make).await {
            // Roles that name the objects allow to get what they do not allow to list.
            Err(failure) if failure.is_code(403) => self.live_one_by_one(group, look, &failure).await,
            Err(failure) if failure.is_code(404) => Err(self.unserved(&group.first().object).await.into()),
            Err(failure) => {
                let what = format!("read `{}`", group.first().object.id);
                Err(self.explain(&failure, &Attempt::with(&what, &group.first().object)))
            }
            Ok((found, _)) => Ok(found),
        }
    }

    async fn live_one_by_one<T>(
        &self,
        group: &Group,
        look: &Look<T>,
        list_failure: &Failure,
    ) -> Result<Vec<(usize, T)>, Diagnostics> {
        let gets = futures::stream::iter(group.members())
            .map(|(number, target)| async move {
                let id = &target.object.id;
                match self.call_for_node(&Call::get(&target.resource.object_path(id))).await {
                    Ok(object) => Ok(Some((number, look(target, self.named(object, id))))),
                    Err(failure) if failure.is_code(404) => Ok(None),
                    Err(failure) => {
                        let what = format!("read `{id}`");
                        let failure = if failure.is_code(403) { list_failure } else { &failure };
                        Err(self.explain(failure, &Attempt::with(&what, &target.object)))
                    }
                }
            })
            .buffered(CONCURRENCY);
        Ok(gather(gets.collect().await)?.into_iter().flatten().collect())
    }

    pub(in crate::cluster) fn named(&self, node: Node, id: &ObjectId) -> Node {
        named(node, id, self.place)
    }
}

/// Says of an object what it is; items of lists do not.
pub(in crate::cluster) fn named(mut node: Node, id: &ObjectId, place: Place) -> Node {
    if let Some(map) = node.as_map_mut() {
        for (field, value) in [("apiVersion", &id.api_version), ("kind", &id.kind)] {
            map.set(Key::new(field, place), Node::string(value, place));
        }
    }
    node
}
