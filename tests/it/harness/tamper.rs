//! Tampering with attachments without the tool's knowledge: changes and deletions through the API
//! or in the service's own pages.

use std::fs;

use consign::emulator::{AcceptedAttachmentKeys, StoredAttachment};
use consign::model::{ObjectRef, ObjectType};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::service::EmulatorUnderTest;

impl EmulatorUnderTest {
    /// Gives an attachment another external id.
    pub(crate) fn rename(&self, external_id: &str, new: &str) {
        self.patch_attributes(external_id, &json!({ "external_id": new }));
    }

    /// Gives an attachment another title.
    pub(crate) fn retitle(&self, external_id: &str, title: &str) {
        self.patch_attributes(external_id, &json!({ "title": title }));
    }

    /// Detaches the bytes of an attachment, which then waits for others.
    pub(crate) fn remove_bytes(&self, external_id: &str) {
        self.detach_bytes(external_id);
    }

    /// Replaces the bytes of an attachment by others of the same size.
    pub(crate) fn forge_bytes(&self, external_id: &str) {
        let bytes = fs::read(&self.only_stored(external_id).bytes).unwrap();
        self.upload_new_bytes(external_id, bytes.iter().map(|byte| !byte).collect());
    }

    /// Replaces the bytes of an attachment by the given content.
    pub(crate) fn replace_bytes(&self, external_id: &str, content: &str) {
        self.upload_new_bytes(external_id, content.into());
    }

    /// Deletes an attachment.
    pub(crate) fn delete(&self, external_id: &str) {
        let removed = self.emulator.remove_attachment(external_id).unwrap();
        let id = removed.unwrap_or_else(|| panic!("there is no {external_id}"));
        self.note_tampering(id);
    }

    /// Moves an attachment to another contract.
    pub(crate) fn move_to_contract(&self, external_id: &str, contract: u64) {
        let object = ObjectRef::parse(ObjectType::Contract, &contract.to_string()).unwrap();
        let moved = self.emulator.move_attachment(external_id, object).unwrap();
        let id = moved.unwrap_or_else(|| panic!("there is no {external_id}"));
        self.note_tampering(id);
    }

    /// Attaches a file to a contract without the tool, under an external id or under none.
    pub(crate) fn attach_by_hand(
        &self,
        contract: u64,
        (file_name, content): (&str, &str),
        external_id: Option<&str>,
    ) {
        let mut attributes = json!({ "file_name": file_name });
        if let Some(external_id) = external_id {
            attributes["external_id"] = external_id.into();
        }
        let contract = json!({ "data": { "type": "contracts", "id": contract } });
        let resource = json!({
            "type": "attachments",
            "attributes": attributes,
            "relationships": { "contract": contract },
        });
        let url = format!("{}/attachments", self.emulator.base_url());
        let target = self.send_resource(Method::POST, url, &resource);
        self.put_bytes(&target, content.into());
    }

    /// Returns `true` if an attachment was tampered with.
    pub(super) fn was_tampered_with(&self, id: &str) -> bool {
        self.tampered_ids.borrow().contains(id)
    }

    fn note_tampering(&self, id: u64) {
        self.tampered_ids.borrow_mut().insert(id.to_string());
    }

    /// Returns the only stored attachment with an external id. Panics if there is none or several.
    fn only_stored(&self, external_id: &str) -> StoredAttachment {
        let mut stored = self.stored_attachments();
        stored.retain(|one| one.external_id.as_deref() == Some(external_id));
        assert_eq!(stored.len(), 1, "{external_id} in {stored:?}");
        stored.remove(0)
    }

    /// Detaches the bytes of an attachment, and uploads others.
    fn upload_new_bytes(&self, external_id: &str, content: Vec<u8>) {
        let target = self.detach_bytes(external_id);
        self.put_bytes(&target, content);
    }

    /// Uploads bytes to the address in the attributes of an attachment.
    fn put_bytes(&self, target: &Value, content: Vec<u8>) {
        let url = target["upload_url"].as_str().unwrap();
        let mut request = client().put(url).body(content);
        for header in target["upload_headers"].as_array().unwrap() {
            let [name, value] = ["name", "value"].map(|part| header[part].as_str().unwrap());
            request = request.header(name, value);
        }
        self.send(request);
    }

    /// Detaches the bytes of an attachment. Returns its attributes with the new upload address.
    fn detach_bytes(&self, external_id: &str) -> Value {
        let file_name = self.only_stored(external_id).file_name;
        self.patch_attributes(external_id, &json!({ "file_name": file_name }))
    }

    /// Changes attributes of an attachment. Returns all attributes.
    fn patch_attributes(&self, external_id: &str, attributes: &Value) -> Value {
        let id = self.only_stored(external_id).id;
        self.note_tampering(id);
        let url = format!("{}/attachments/{id}", self.emulator.base_url());
        let resource = json!({ "type": "attachments", "id": id, "attributes": attributes });
        self.send_resource(Method::PATCH, url, &resource)
    }

    /// Sends an attachment. Returns the attributes in the answer.
    fn send_resource(&self, method: Method, url: String, resource: &Value) -> Value {
        let request = client()
            .request(method, url)
            .header("content-type", "application/vnd.api+json")
            .body(json!({ "data": resource }).to_string());
        let answer = self.send(self.with_keys(request));
        let mut answer: Value = self.runtime.block_on(answer.json()).unwrap();
        answer["data"]["attributes"].take()
    }

    fn with_keys(&self, request: RequestBuilder) -> RequestBuilder {
        let (api_key, user_token, user_email) = match &self.keys {
            AcceptedAttachmentKeys::Any => ("any", "any", "any"),
            AcceptedAttachmentKeys::Only {
                api_key,
                user_token,
                user_email,
            } => (
                api_key.expose_secret(),
                user_token.expose_secret(),
                user_email.as_str(),
            ),
        };
        request
            .header("x-api-key", api_key)
            .header("x-user-token", user_token)
            .header("x-user-email", user_email)
    }

    fn send(&self, request: RequestBuilder) -> Response {
        let answer = self.runtime.block_on(request.send()).unwrap();
        answer.error_for_status().unwrap()
    }
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}
