//! The page that explains the REST API, drawn from the OpenAPI document.

use serde::Serialize;

/// `/api/docs`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiDocsPage {
    /// The document's title.
    pub title: String,
    /// Its version.
    pub version: String,
    /// What it says about itself, a text for each paragraph.
    pub intro: Vec<String>,
    /// Where the document is.
    pub document_url: String,
    /// Operations by card or topic.
    pub groups: Vec<ApiGroup>,
}

/// Operations that belong together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiGroup {
    /// Unique on the page.
    pub id: String,
    /// Its heading.
    pub label: String,
    /// What it is about.
    pub detail: String,
    /// In the order of the document.
    pub operations: Vec<ApiOperation>,
}

/// A request and its answers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiOperation {
    /// Unique on the page.
    pub id: String,
    /// `GET`, `POST`, `PATCH`, `DELETE`.
    pub method: String,
    /// The path, with `{braces}`.
    pub path: String,
    /// What it does, in a line.
    pub summary: String,
    /// More, a text for each paragraph.
    pub detail: Vec<String>,
    /// In path, query and header.
    pub parameters: Vec<ApiParameter>,
    /// An example of what is sent, as JSON; none without a body.
    pub request: Option<String>,
    /// By status.
    pub responses: Vec<ApiResponse>,
}

/// A parameter of a request.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiParameter {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header`.
    pub place: String,
    /// Its type in words.
    pub kind: String,
    /// Must be given.
    pub required: bool,
    /// What it means.
    pub detail: String,
}

/// An answer.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiResponse {
    /// The status.
    pub status: String,
    /// When it comes.
    pub detail: String,
    /// An example, as JSON; none without a body.
    pub example: Option<String>,
}
