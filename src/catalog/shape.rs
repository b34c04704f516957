//! A schema seen from beside a value: which fields it declares, what they default to, what is said of them.

use serde_json::Value as Json;

use crate::kubernetes;

/// The keyword that says which field of Kubernetes' own a map is.
pub const KUBERNETES_FIELD: &str = "x-kubernetes-field";

/// One place in a schema, with the root that its references start from.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'s> {
    root: &'s Json,
    json: &'s Json,
}

impl<'s> Shape<'s> {
    pub fn root(json: &'s Json) -> Self {
        Self { root: json, json }
    }

    fn at(self, json: &'s Json) -> Self {
        Self { json, ..self }
    }

    /// Returns this shape and those that it is composed of: references, and the branches of `allOf`, `oneOf`
    /// and `anyOf`. The first one that says something wins.
    pub fn parts(self) -> Vec<Shape<'s>> {
        let mut parts = Vec::new();
        self.find(&mut |part| -> Option<()> {
            parts.push(part);
            None
        });
        parts
    }

    /// Asks the parts, one after the other, until one has an answer.
    fn find<T>(self, ask: &mut dyn FnMut(Shape<'s>) -> Option<T>) -> Option<T> {
        self.find_within(ask, 0)
    }

    fn find_within<T>(self, ask: &mut dyn FnMut(Shape<'s>) -> Option<T>, depth: usize) -> Option<T> {
        if depth > 16 {
            return None;
        }
        ask(self).or_else(|| self.composed().find_map(|part| part.find_within(ask, depth + 1)))
    }

    /// Walks the keywords once: schemas have few, and each manifest asks for them a thousand times.
    fn composed(self) -> impl Iterator<Item = Shape<'s>> {
        let (mut target, mut branches) = (None, [None; 3]);
        for (keyword, json) in self.json.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "$ref" => target = self.target(json),
                "allOf" => branches[0] = json.as_array(),
                "oneOf" => branches[1] = json.as_array(),
                "anyOf" => branches[2] = json.as_array(),
                _ => {}
            }
        }
        let branches = branches.into_iter().flatten().flatten();
        target.into_iter().chain(branches).map(move |json| self.at(json))
    }

    fn target(self, reference: &Json) -> Option<&'s Json> {
        let reference = reference.as_str()?;
        match reference.strip_prefix("#/$defs/").filter(|name| !name.contains(['/', '~'])) {
            Some(name) => self.root.get("$defs")?.get(name),
            None => self.root.pointer(reference.strip_prefix('#')?),
        }
    }

    /// Returns the shapes that hold beside this one: a reference's target, and all of `allOf`.
    pub fn always(self) -> Vec<Shape<'s>> {
        let target = self.json.get("$ref").and_then(|reference| self.target(reference));
        target.map(|json| self.at(json)).into_iter().chain(self.branches("allOf")).collect()
    }

    /// Returns the shapes of which one holds.
    pub fn choices(self) -> Vec<Shape<'s>> {
        ["oneOf", "anyOf"].into_iter().flat_map(|keyword| self.branches(keyword)).collect()
    }

    fn branches(self, keyword: &str) -> impl Iterator<Item = Shape<'s>> {
        let branches = self.json.get(keyword).and_then(Json::as_array).into_iter().flatten();
        branches.map(move |branch| self.at(branch))
    }

    /// Returns what the schema says under a keyword at this very place.
    pub fn own(self, keyword: &str) -> Option<&'s Json> {
        self.json.get(keyword)
    }

    /// Returns what the schema says under a keyword, here or in a part.
    pub fn keyword(self, keyword: &str) -> Option<&'s Json> {
        self.find(&mut |part| part.member(keyword))
    }

    /// Comparing a few words is faster than to compute the hash of one.
    fn member(self, keyword: &str) -> Option<&'s Json> {
        self.json.as_object()?.iter().find(|(word, _)| *word == keyword).map(|(_, json)| json)
    }

    pub fn text(self, keyword: &str) -> Option<&'s str> {
        self.keyword(keyword).and_then(Json::as_str)
    }

    /// Lists the declared fields.
    pub fn properties(self) -> Vec<(&'s str, Shape<'s>)> {
        let mut properties: Vec<(&str, Shape<'s>)> = Vec::new();
        self.find(&mut |part| -> Option<()> {
            let known = properties.len();
            for (name, json) in part.member("properties")?.as_object()? {
                if !properties[..known].iter().any(|(known, _)| known == name) {
                    properties.push((name, self.at(json)));
                }
            }
            None
        });
        properties
    }

    /// Returns the shape of a field's value: a declared one, or that of a free-form map.
    pub fn property(self, name: &str) -> Option<Shape<'s>> {
        let declared = self.find(&mut |part| part.member("properties")?.get(name));
        declared.map(|json| self.at(json)).or_else(|| self.values())
    }

    /// Returns the shape that Kubernetes has for the map that stands here, where a kind leaves it to that.
    pub fn of_kubernetes(self) -> Option<Shape<'static>> {
        Shape::of_kubernetes_field(self.text(KUBERNETES_FIELD)?)
    }

    /// Finds the shape at the path of a field such as `Pod.spec.affinity`, or of the items where that is a list.
    pub fn of_kubernetes_field(path: &str) -> Option<Shape<'static>> {
        let (kind, fields) = path.split_once('.')?;
        let (version, kind) = kubernetes::newest(kind)?;
        let root = Shape::root(kubernetes::structure(version, kind)?);
        let item = |shape: Shape<'static>| shape.items().unwrap_or(shape);
        fields.split('.').try_fold(root, |shape, field| shape.property(field).map(item))
    }

    pub fn items(self) -> Option<Shape<'s>> {
        self.keyword("items").map(|json| self.at(json))
    }

    /// Returns the shape of the values of a map whose keys are free.
    pub fn values(self) -> Option<Shape<'s>> {
        let free = |part: Shape<'s>| part.member("additionalProperties").filter(|json| json.is_object());
        self.find(&mut { free }).map(|json| self.at(json))
    }
}
