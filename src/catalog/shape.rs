//! A schema seen from beside a value: which fields it declares, what they default to, what is said of them.

use serde_json::Value as Json;

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
        self.collect_parts(&mut parts, 0);
        parts
    }

    fn collect_parts(self, parts: &mut Vec<Shape<'s>>, depth: usize) {
        if depth > 16 {
            return;
        }
        parts.push(self);
        for part in self.always().into_iter().chain(self.choices()) {
            part.collect_parts(parts, depth + 1);
        }
    }

    /// Returns the shapes that hold beside this one: a reference's target, and all of `allOf`.
    pub fn always(self) -> Vec<Shape<'s>> {
        let target = self.json.get("$ref").and_then(Json::as_str).and_then(|r| self.root.pointer(&r[1..]));
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
        self.parts().into_iter().find_map(|part| part.json.get(keyword))
    }

    pub fn text(self, keyword: &str) -> Option<&'s str> {
        self.keyword(keyword).and_then(Json::as_str)
    }

    /// Lists the declared fields.
    pub fn properties(self) -> Vec<(&'s str, Shape<'s>)> {
        let mut properties: Vec<(&str, Shape<'s>)> = Vec::new();
        for part in self.parts() {
            for (name, json) in part.json.get("properties").and_then(Json::as_object).into_iter().flatten() {
                if !properties.iter().any(|(known, _)| known == name) {
                    properties.push((name, self.at(json)));
                }
            }
        }
        properties
    }

    /// Returns the shape of a field's value: a declared one, or that of a free-form map.
    pub fn property(self, name: &str) -> Option<Shape<'s>> {
        let parts = self.parts();
        let declared = parts.iter().find_map(|part| part.json.get("properties")?.get(name));
        let free =
            || parts.iter().find_map(|part| part.json.get("additionalProperties").filter(|j| j.is_object()));
        declared.or_else(free).map(|json| self.at(json))
    }

    pub fn items(self) -> Option<Shape<'s>> {
        self.keyword("items").map(|json| self.at(json))
    }

    /// Returns the shape of the values of a map whose keys are free.
    pub fn values(self) -> Option<Shape<'s>> {
        let free = |part: &Shape<'s>| part.json.get("additionalProperties").filter(|json| json.is_object());
        self.parts().iter().find_map(free).map(|json| self.at(json))
    }
}
