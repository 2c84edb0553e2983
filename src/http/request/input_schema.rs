//! Schemas that are derived from the schema of an input, so that each field is described once.

use utoipa::PartialSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, ObjectBuilder, Ref, Schema, SchemaType, Type};

/// `Derived = adapt, Source, Others…`: declares the schema of `Source`, adapted by a function. `Others` are schemas that only the adapted
/// one refers to. The doc comment is its description.
macro_rules! derived_schema {
    ($(#[doc = $doc:literal])* $vis:vis $derived:ident = $adapt:expr, $source:ident $(, $other:ident)*) => {
        $(#[doc = $doc])*
        $vis enum $derived {}

        impl utoipa::PartialSchema for $derived {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::http::request::input_schema::derive::<$source>(&[$($doc),*], $adapt)
            }
        }

        impl utoipa::ToSchema for $derived {
            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
                <$source as utoipa::ToSchema>::schemas(schemas);
                $(schemas.push((<$other as utoipa::ToSchema>::name().into_owned(), <$other as utoipa::PartialSchema>::schema()));)*
            }
        }
    };
}
pub(in crate::http) use derived_schema;

/// The schema of `S`, adapted, with another description.
pub(in crate::http) fn derive<S: PartialSchema>(description: &[&str], adapt: impl FnOnce(&mut Object)) -> RefOr<Schema> {
    let mut schema = S::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        let lines: Vec<&str> = description.iter().map(|line| line.trim()).collect();
        object.description = Some(lines.join(" "));
        adapt(object);
    }
    schema
}

/// A merge patch (RFC 7396) of an input: no field is required, and null is accepted where the input accepts it.
pub(in crate::http) fn patch(object: &mut Object) {
    object.required.clear();
}

/// What an input becomes once it is stored: every field is present, without the limits of writing, and only single values can be null.
pub(in crate::http) fn stored(object: &mut Object) {
    object.required = object.properties.keys().cloned().collect();
    for property in object.properties.values_mut() {
        match property {
            RefOr::T(Schema::Object(field)) => stored_object(field),
            RefOr::T(Schema::Array(list)) => {
                list.schema_type = SchemaType::Type(Type::Array);
                list.max_items = None;
                list.description = None;
                list.items = ArrayItems::RefOrSchema(Box::new(ObjectBuilder::new().schema_type(Type::String).into()));
            }
            RefOr::T(Schema::OneOf(either)) => {
                let reference = either.items.iter().find_map(|item| if let RefOr::Ref(reference) = item { Some(reference) } else { None });
                if let Some(reference) = reference.map(stored_reference) {
                    *property = RefOr::Ref(reference);
                }
            }
            RefOr::Ref(_) | RefOr::T(_) => {}
        }
    }
}

fn stored_object(field: &mut Object) {
    if matches!(&field.schema_type, SchemaType::Array(types) if types.contains(&Type::Object)) {
        field.schema_type = SchemaType::Type(Type::Object);
    }
    field.description = None;
    field.example = None;
    (field.minimum, field.maximum, field.max_length, field.pattern) = (None, None, None, None);
    if let Some(AdditionalProperties::RefOr(RefOr::Ref(reference))) = field.additional_properties.as_deref() {
        let reference = stored_reference(reference);
        field.additional_properties = Some(Box::new(AdditionalProperties::RefOr(RefOr::Ref(reference))));
    }
}

/// The stored counterpart of a nested input.
fn stored_reference(reference: &Ref) -> Ref {
    let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
    Ref::from_schema_name(match name {
        "SeoInput" => "SeoView",
        "TranslationInput" => "RevisionText",
        other => other,
    })
}
