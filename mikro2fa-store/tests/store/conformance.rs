//! The contracts of the ports, on both databases.

use std::sync::Arc;

use async_trait::async_trait;
use mikro2fa_core::{conformance::store::StoreBench, directory::Directory, store::Store};
use mikro2fa_store::{DieselStore, Options};

use crate::support::{Database, key, proxy::Proxy};

struct Bench {
    store: DieselStore,
    proxy: Option<Proxy>,
    database: Database,
}

impl Bench {
    async fn sqlite() -> Self {
        let database = Database::sqlite();
        Self {
            store: database.open().await,
            proxy: None,
            database,
        }
    }

    async fn postgresql() -> Self {
        let database = Database::postgresql();
        let proxy = Proxy::new(&database.url_text());
        let url = proxy.url().parse().unwrap();
        Self {
            store: DieselStore::open(&url, &key(), Options::default())
                .await
                .unwrap(),
            proxy: Some(proxy),
            database,
        }
    }
}

#[async_trait]
impl StoreBench for Bench {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn directory(&self) -> Arc<dyn Directory> {
        Arc::new(self.store.clone())
    }

    async fn break_next_commit(&self, done: bool) -> bool {
        if let Some(proxy) = &self.proxy {
            proxy.cut_next_commit(done);
        }
        self.proxy.is_some()
    }

    async fn lapse_leases(&self) -> bool {
        let leases = matches!(self.database, Database::Postgresql { .. });
        if leases {
            self.database.run("UPDATE router_leases SET until = 0");
        }
        leases
    }
}

mod store_on_sqlite {
    mikro2fa_core::store_conformance!(super::Bench::sqlite().await);
}

mod store_on_postgresql {
    mikro2fa_core::store_conformance!(super::Bench::postgresql().await);
}

mod directory_on_sqlite {
    mikro2fa_core::directory_conformance!(super::Bench::sqlite().await);
}

mod directory_on_postgresql {
    mikro2fa_core::directory_conformance!(super::Bench::postgresql().await);
}
