//! The one vocabulary of calls and handovers as schemas: a word is one of those that there are.

use cordboard_ladder::{Kind, Outcome, Role};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// What a call or handover is.
pub fn kind() -> Object {
    one_of("What a call or handover is.", Kind::ALL.iter().map(|word| word.as_str()))
}

/// How it ended.
pub fn outcome() -> Object {
    one_of("How a call or handover ended.", Outcome::ALL.iter().map(|word| word.as_str()))
}

/// Who plays which part.
pub fn role() -> Object {
    one_of("Who plays which part.", Role::ALL.iter().map(|word| word.as_str()))
}

fn one_of(says: &str, words: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).description(Some(says)).enum_values(Some(words)).build()
}
