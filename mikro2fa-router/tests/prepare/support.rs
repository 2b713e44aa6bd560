//! A simulated router, and the administrator's line to it.

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
};
use mikro2fa_router::{
    Api, ApiConfig, api::ApiLine, gate::GateNames, simulator::Simulator, survey::Survey,
    transport::Transport,
};

/// The set-up login's line.
pub(crate) async fn line(sim: &Simulator) -> ApiLine {
    log_in(sim, "admin", sim.admin_password()).await
}

pub(crate) async fn log_in(sim: &Simulator, user: &str, password: &str) -> ApiLine {
    let connection = RouterConnection {
        host: "127.0.0.1".into(),
        port: sim.api_address().port(),
        transport: TransportKind::Api,
        user: user.into(),
        password: Secret::new(password),
        pins: Vec::new(),
    };
    let api = Api::new(ApiConfig::of(&connection).unwrap());
    api.connect().await.unwrap()
}

pub(crate) async fn survey(sim: &Simulator) -> Survey {
    Survey::read(&line(sim).await, &GateNames::default())
        .await
        .unwrap()
}
