//! The JSON Schemas of the definition language, generated from its types.

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::def::{CardDef, ExtensionDef, ManifestDef, MixinDef, RoleDef, ViewDef};

/// Which kind of file a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum FileKind { Manifest, Card, Extension, Mixin, Role, View }

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Manifest, Self::Card, Self::Extension, Self::Mixin, Self::Role, Self::View];

    /// The schema's file name.
    pub fn schema_name(self) -> &'static str {
        match self {
            Self::Manifest => "pack.schema.json",
            Self::Card => "card.schema.json",
            Self::Extension => "extension.schema.json",
            Self::Mixin => "mixin.schema.json",
            Self::Role => "role.schema.json",
            Self::View => "view.schema.json",
        }
    }

    /// The schema itself.
    pub fn schema(self) -> Json {
        let schema = match self {
            Self::Manifest => schemars::schema_for!(ManifestDef),
            Self::Card => schemars::schema_for!(CardDef),
            Self::Extension => schemars::schema_for!(ExtensionDef),
            Self::Mixin => schemars::schema_for!(MixinDef),
            Self::Role => schemars::schema_for!(RoleDef),
            Self::View => schemars::schema_for!(ViewDef),
        };
        schema.to_value()
    }
}

/// Every schema: file name and pretty text, ending in a line end.
pub fn all() -> Vec<(&'static str, String)> {
    let text = |schema: Json| serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n";
    FileKind::ALL.map(|kind| (kind.schema_name(), text(kind.schema()))).to_vec()
}

/// A schema with its compiled validator; compiled once.
pub(crate) struct Compiled {
    pub schema: Json,
    pub validator: jsonschema::Validator,
}

pub(crate) fn compiled(kind: FileKind) -> &'static Compiled {
    static ALL: LazyLock<Vec<Compiled>> = LazyLock::new(|| FileKind::ALL.iter().map(|kind| compile(*kind)).collect());
    &ALL[FileKind::ALL.iter().position(|known| *known == kind).unwrap_or(0)]
}

fn compile(kind: FileKind) -> Compiled {
    let schema = kind.schema();
    let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| unreachable!("the generated schema {kind:?} is sound: {error}"));
    Compiled { schema, validator }
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_schemas_equal_the_types() {
        let folder = "../../schemas";
        for (name, text) in super::all() {
            let path = format!("{folder}/{name}");
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                std::fs::write(&path, &text).expect("the folder can be written");
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{name} is stale: cargo xtask schemas");
        }
    }
}
