//! The page that explains the REST API, drawn from the OpenAPI document of the reader.

use axum::{extract::State, response::Response};
use serde_json::Value;

use super::Reader;
use crate::{
    Site, openapi,
    view::{ApiDocsPage, ApiGroup, ApiOperation, ApiParameter, ApiResponse},
};

/// `GET /api/docs`
pub async fn page(State(site): State<Site>, reader: Reader) -> Response {
    let document = openapi::write(&reader.asker.snapshot, &reader.asker.actor);
    let mut groups: Vec<ApiGroup> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
            let drawn = draw(path, method, operation);
            match groups.iter_mut().find(|group| group.id == tag) {
                Some(group) => group.operations.push(drawn),
                None => {
                    let label = reader.asker.snapshot.catalog.card(tag.as_str()).map_or_else(|| tag.clone(), |card| card.plurals.or_key(&reader.asker.actor.lang, &tag));
                    groups.push(ApiGroup { id: tag, label, detail: String::new(), operations: vec![drawn] });
                }
            }
        }
    }
    let page = ApiDocsPage {
        title: "Cardstock REST API".into(),
        version: document["info"]["version"].as_str().unwrap_or_default().to_owned(),
        intro: vec![document["info"]["description"].as_str().unwrap_or_default().to_owned()],
        document_url: "/api/v1/openapi.json".into(),
        groups,
    };
    reader.draw(&site, "docs/api.html", None, &page)
}

fn draw(path: &str, method: &str, operation: &Value) -> ApiOperation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| ApiParameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: text(&parameter["schema"]["type"]),
        required: parameter["required"].as_bool().unwrap_or(false),
        detail: text(&parameter["description"]),
    });
    let responses = operation["responses"].as_object().into_iter().flatten().map(|(status, response)| ApiResponse { status: status.clone(), detail: text(&response["description"]), example: None });
    ApiOperation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        parameters: parameters.collect(),
        responses: responses.collect(),
        ..ApiOperation::default()
    }
}
