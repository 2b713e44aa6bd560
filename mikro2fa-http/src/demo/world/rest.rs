//! Calls of REST, with the token of the first start.

use mikro2fa_store::DatabaseUrl;
use serde_json::Value;

use super::{Outcome, Trouble, WATCHDOG, World};

impl World {
    /// `POST /api/…`
    ///
    /// # Errors
    ///
    /// It was not answered with success.
    pub async fn post(&self, path: &str, body: Value) -> Outcome<Value> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    /// `PUT /api/…`
    ///
    /// # Errors
    ///
    /// It was not answered with success.
    pub async fn put(&self, path: &str, body: Value) -> Outcome<Value> {
        self.call(reqwest::Method::PUT, path, Some(body)).await
    }

    /// `GET /api/…`
    ///
    /// # Errors
    ///
    /// It was not answered with success.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        self.call(reqwest::Method::GET, path, None).await
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Outcome<Value> {
        match self.answer(method, path, body).await? {
            (200..300, said) => Ok(said),
            (status, said) => Err(Trouble(format!("{path}: {status}: {said}"))),
        }
    }

    /// Any call of `/api/…`: the status, and what was said.
    ///
    /// # Errors
    ///
    /// It was not answered.
    pub async fn answer(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Outcome<(u16, Value)> {
        let (url, token) = {
            let running = self.running.lock().await;
            (
                format!("{}/api/{path}", running.address),
                running.token.clone(),
            )
        };
        let mut request = self
            .rest
            .request(method, url)
            .bearer_auth(token)
            .timeout(WATCHDOG);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let failed = |e: reqwest::Error| Trouble::because(path)(&e);
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(failed)?;
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    /// Where routers call, `http://…`.
    ///
    /// # Errors
    ///
    /// mikro2fa is dead.
    pub async fn hook_url(&self) -> Outcome<String> {
        let running = self.running.lock().await;
        let app = running.app.as_ref();
        let app = app.ok_or_else(|| Trouble("mikro2fa is dead".into()))?;
        Ok(format!("http://{}", app.hook_address))
    }

    /// Where REST is, `http://…`; empty before mikro2fa was first started.
    pub async fn rest_url(&self) -> String {
        self.running.lock().await.address.clone()
    }

    /// Whether this start of mikro2fa made a first token, as only the first one does.
    pub async fn made_a_token(&self) -> bool {
        let running = self.running.lock().await;
        let app = running.app.as_ref();
        app.is_some_and(|app| app.first_token.is_some())
    }

    /// Where mikro2fa keeps what it knows.
    pub const fn database(&self) -> &DatabaseUrl {
        &self.database
    }

    /// The latest sessions, the newest first.
    ///
    /// # Errors
    ///
    /// They could not be read.
    pub async fn sessions(&self) -> Outcome<Vec<Value>> {
        let page = self.get("sessions?limit=50").await?;
        Ok(page
            .get("rows")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default())
    }
}
