//! `tradewind migrate`: brings the tables of everybody who has some up to date, before anybody starts who uses
//! them. Whoever starts does the same for its own, under the same lock. One table is left to that: the log of events,
//! which recommendations keep only where there is no broker.

use std::sync::Arc;

use anyhow::Context as _;
use card_network::CardNetwork;
use chassis::clock::SystemClock;
use chassis::messaging::Mailbox;
use chassis::process::{Bootstrap, given};
use chassis::store::{StoreUrl, Stores};
use clap::ValueEnum;
use config_server::store::SqlChanges;

use crate::cli::MigrateArgs;
use crate::exit::Ending;
use crate::run::{Role, Server};
use crate::text;
use crate::topology::Part;

/// Brings tables up to date.
pub async fn migrate(args: &MigrateArgs) -> anyhow::Result<()> {
    let roles = whose(&args.roles)?;
    let mut bootstrap = Bootstrap { placement: args.placement, ..Bootstrap::alone(args.shop.data.clone()) };
    if let Some(url) = given(&args.store) {
        bootstrap.store = StoreUrl::parse(url).map_err(|error| Ending::Usage(error.to_string()))?;
    }
    let stores = bootstrap.stores();
    for role in &roles {
        let done = match role {
            Role::Server(server) => of_server(*server, &bootstrap.store).await,
            Role::Module(part) => of_module(*part, &stores).await,
        };
        done.with_context(|| format!("the tables of {}", role.name()))?;
    }
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    if args.json {
        return super::print_json(&names);
    }
    Ok(text::say(format_args!("up to date: {}", names.join(", ")))?)
}

/// Those who are named, or everybody who keeps something.
fn whose(named: &[Role]) -> Result<Vec<Role>, Ending> {
    if named.is_empty() {
        return Ok(Role::value_variants().iter().copied().filter(|role| keeps_something(*role)).collect());
    }
    match named.iter().find(|role| !keeps_something(**role)) {
        Some(other) => Err(Ending::Usage(format!("{} has no tables", other.name()))),
        None => Ok(named.to_vec()),
    }
}

fn keeps_something(role: Role) -> bool {
    match role {
        Role::Server(server) => matches!(server, Server::ConfigServer | Server::CardNetwork),
        Role::Module(part) => part.has_database(),
    }
}

async fn of_server(server: Server, url: &StoreUrl) -> anyhow::Result<()> {
    match server {
        Server::ConfigServer => SqlChanges::open(url, chassis::PATIENCE).await?.close().await,
        Server::CardNetwork => drop(CardNetwork::open(card_network::Config::new(url.clone())).await?),
        // these keep files of their own, or nothing
        Server::Registry | Server::Broker | Server::Observatory => {}
    }
    Ok(())
}

async fn of_module(part: Part, stores: &Stores) -> anyhow::Result<()> {
    let migrations = match part {
        Part::Catalog => catalog::migrations(),
        Part::Inventory => inventory::migrations(),
        Part::Payments => payments::migrations(),
        Part::Shipping => shipping::migrations(),
        Part::Orders => orders::migrations(),
        Part::Notifications => notifications::migrations(),
        Part::Recommendations => recommendations::migrations(),
        Part::Gateway => return Ok(()),
    };
    let store = stores.open(part.name(), &migrations).await?;
    if has_mailbox(part) {
        Mailbox::open(&store, part.name(), Arc::new(SystemClock)).await?;
    }
    store.close().await;
    Ok(())
}

/// Whether it has an outbox and an inbox: recommendations hear from the log of events alone.
fn has_mailbox(part: Part) -> bool {
    part.hears() && part != Part::Recommendations
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use sqlx::{AnyConnection, Connection};

    use super::*;

    /// Who has an outbox.
    const SPEAKS: [&str; 5] = ["inventory", "notifications", "orders", "payments", "shipping"];

    async fn tables_in(file: &Path) -> Vec<String> {
        let address = format!("sqlite:{}", file.display());
        let mut connection = AnyConnection::connect(&address).await.expect("a database");
        let tables = sqlx::query_scalar::<_, String>(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        );
        tables.fetch_all(&mut connection).await.expect("its tables")
    }

    /// A file is made before anything is done to it, so its tables are looked at.
    #[tokio::test]
    async fn everybody_who_keeps_something_is_brought_up_to_date_however_often() {
        let data = tempfile::tempdir().expect("a folder");
        let args = MigrateArgs {
            roles: Vec::new(),
            store: None,
            placement: chassis::store::Placement::Own,
            shop: crate::cli::FolderArgs { data: data.path().to_owned() },
            json: false,
        };
        for _ in 0..2 {
            migrate(&args).await.expect("up to date");
        }
        let folder = data.path().join("db");
        let files = std::fs::read_dir(&folder).expect("a folder");
        let names = files.map(|file| file.expect("a file").file_name().into_string().expect("text"));
        let databases: BTreeSet<_> =
            names.filter_map(|name| Some(name.strip_suffix(".db")?.to_owned())).collect();
        let expected = [
            "card_network",
            "catalog",
            "config_server",
            "inventory",
            "notifications",
            "orders",
            "payments",
            "recommendations",
            "shipping",
        ];
        assert!(databases.iter().map(String::as_str).eq(expected), "{databases:?}");
        for name in expected {
            let tables = tables_in(&folder.join(format!("{name}.db"))).await;
            assert!(tables.contains(&format!("{name}_migrations")), "{name}: {tables:?}");
            let speaks = tables.contains(&format!("{name}_outbox"));
            assert_eq!(speaks, SPEAKS.contains(&name), "{name}: {tables:?}");
        }
    }

    #[test]
    fn who_keeps_nothing_is_named() {
        let refused = whose(&[Role::Module(Part::Orders), Role::Module(Part::Gateway)]);
        assert!(refused.is_err_and(|error| error.to_string().contains("gateway")));
        assert_eq!(
            whose(&[Role::Module(Part::Orders)]).expect("it has tables"),
            [Role::Module(Part::Orders)]
        );
    }
}
