//! Who and what is there: routers, users, accounts, linked phones. All of it through REST, as an administrator would.

use mikro2fa_core::id::AccountId;
use mikro2fa_router::simulator::Simulator;
use mikro2fa_telegram::fake_api::FakeUser;
use serde_json::{Value, json};

use super::{Outcome, RouterOptions, Trouble, World, simulator};

/// One more router.
#[derive(Clone, Debug)]
pub struct Site {
    /// The router.
    pub sim: Simulator,
    /// Its id in mikro2fa.
    pub id: String,
}

impl World {
    /// Everything through REST, as an administrator would.
    pub(super) async fn furnish(
        &mut self,
        policy: Value,
        office: Value,
        account: &Value,
    ) -> Outcome<()> {
        self.start_engine().await?;
        self.put("settings/policy", policy).await?;
        let token = json!({ "token": self.telegram.token() });
        self.put("settings/bot-token", token).await?;
        let olga = json!({ "name": "Olga", "chat": self.olga.id(), "language": self.language });
        self.post("settings/operators", olga).await?;
        self.router = self.take_over("office", &self.sim, office).await?;
        self.olga.send("/start");
        let router = self.router.clone();
        for (name, login, phone) in [
            ("Ann", "ann", self.ann.clone()),
            ("Bob", "bob", self.bob.clone()),
        ] {
            self.add_user(name).await?;
            self.add_account(&router, login, name, account.clone())
                .await?;
            self.link(name, &phone).await?;
        }
        self.settle().await;
        Ok(())
    }

    /// One more router, under control.
    ///
    /// # Errors
    ///
    /// Why it can't be.
    pub async fn add_router(&self, name: &str, options: RouterOptions) -> Outcome<Site> {
        let sim = simulator(&self.sim_clock, options.simulator).await?;
        let id = self.take_over(name, &sim, options.record).await?;
        Ok(Site { sim, id })
    }

    async fn take_over(&self, name: &str, sim: &Simulator, more: Value) -> Outcome<String> {
        let api = sim.api_address();
        let record = json!({
            "name": name, "host": api.ip().to_string(), "port": api.port(), "transport": "api",
            "user": sim.names().user, "password": sim.daily_password(), "poll_interval": 15,
        });
        let router = self.post("routers", with(record, more)).await?;
        Ok(text(&router, "id")?.to_owned())
    }

    /// One more user, without a chat.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn add_user(&mut self, name: &str) -> Outcome<()> {
        let user = json!({ "name": name, "language": self.language, "zone_minutes": 0 });
        let user = self.post("users", user).await?;
        self.users
            .insert(name.to_owned(), text(&user, "id")?.to_owned());
        Ok(())
    }

    /// One more account on a router, owned by a user.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn add_account(
        &mut self,
        router: &str,
        login: &str,
        owner: &str,
        more: Value,
    ) -> Outcome<AccountId> {
        let record = json!({ "router": router, "name": login, "owner": self.user(owner)? });
        let record = self.post("accounts", with(record, more)).await?;
        let id: AccountId = text(&record, "id")?
            .parse()
            .map_err(|e| Trouble::because("an account's id")(&e))?;
        self.accounts
            .insert(id, (owner.to_owned(), login.to_owned()));
        Ok(id)
    }

    /// A user's phone is linked by a one-time code.
    ///
    /// # Errors
    ///
    /// The bot did not say so.
    pub async fn link(&self, name: &str, phone: &FakeUser) -> Outcome<()> {
        let code = format!("users/{}/link-code", self.user(name)?);
        let code = self.post(&code, json!({})).await?;
        let sent = phone.send(&format!("/start {}", text(&code, "code")?));
        phone
            .message_where(|message| message.id > sent && !message.text.is_empty())
            .await
            .map_err(|e| Trouble::because("a phone could not be linked")(&e))?;
        Ok(())
    }
}

/// The fields of `more` laid over those of `record`.
fn with(mut record: Value, more: Value) -> Value {
    if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
        record.extend(more);
    }
    record
}

fn text<'a>(value: &'a Value, field: &str) -> Outcome<&'a str> {
    value[field]
        .as_str()
        .ok_or_else(|| Trouble(format!("no {field} in {value}")))
}
