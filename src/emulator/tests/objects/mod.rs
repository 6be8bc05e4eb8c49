//! Tests of the sister services: contracts, events, projects and supplier companies.

mod existence;
mod linkage;
mod lists;
mod request_checks;

use reqwest::Method;
use serde_json::Value;

use super::*;
use crate::emulator::{CatalogueObject, ExistingObjects, ObjectSettings};
use crate::model::{ObjectRef, ObjectType};

fn object(kind: ObjectType, id: u64) -> ObjectRef {
    ObjectRef::parse(kind, &id.to_string()).unwrap()
}

/// Settings with the given objects and no others.
fn with_catalogue(objects: Vec<CatalogueObject>) -> EmulatorSettings {
    with_attachments(AttachmentSettings {
        existing_objects: ExistingObjects::Catalogue(objects),
        ..unlimited_rate()
    })
}

/// Settings with contracts of numbers from 1, whose external ids are `C1` and so on.
fn with_contracts(count: u64) -> EmulatorSettings {
    let contracts = 1..=count;
    let named = |id| CatalogueObject::new(object(ObjectType::Contract, id), &format!("C{id}"));
    with_catalogue(contracts.map(named).collect())
}

fn with_objects(objects: ObjectSettings) -> EmulatorSettings {
    EmulatorSettings {
        objects,
        ..unlimited_settings()
    }
}

impl EmulatorFixture {
    /// Sends a GET for a path below `/services/`.
    async fn get_service(&self, path: &str) -> ApiAnswer {
        self.get_url(&format!(
            "http://{}/services/{path}",
            self.emulator.address()
        ))
        .await
    }

    async fn get_url(&self, url: &str) -> ApiAnswer {
        api_answer(with_keys(self.client.request(Method::GET, url))).await
    }

    /// Walks a list by its links, and returns the ids on each page.
    async fn pages(&self, path: &str) -> Vec<Vec<String>> {
        let mut page = self.get_service(path).await;
        let mut pages = vec![page.ids()];
        while let Value::String(next) = &page.json["links"]["next"] {
            page = self.get_url(next).await;
            pages.push(page.ids());
        }
        pages
    }
}

impl ApiAnswer {
    /// Returns the ids of the objects in a list.
    fn ids(&self) -> Vec<String> {
        let items = self.json["data"].as_array().expect("a list");
        let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
        items.iter().map(id).collect()
    }

    fn linkage(&self) -> &Value {
        &self.json["data"]["relationships"]["attachments"]
    }

    fn first_linkage(&self) -> &Value {
        &self.json["data"][0]["relationships"]["attachments"]
    }
}
