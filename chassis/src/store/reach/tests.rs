//! Servers that are away, starting, or refuse us: scripted ones, and a real one where there is one.

use std::io;
use std::net::SocketAddr;

use sqlx::migrate::Migrator;
use sqlx::{Connection, Executor};
use testkit::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::*;
use crate::store::relocation::tables::sql;
use crate::store::{Placement, Store, StoreUrl};

const PASSWORD: &str = "hunter2";
/// The code of a server that says nothing at all.
const SILENCE: &str = "";
/// More than any of these tests waits, so that one which waits where it must not is found out.
const LONG: Duration = Duration::from_secs(600);

/// A server that answers each client with an error, by the name of the database that it asks for.
struct Scripted {
    address: SocketAddr,
    worker: AbortHandle,
}

impl Scripted {
    async fn saying(code_for: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let worker = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // whoever hangs up early has seen enough
                let _ = refuse(client, &code_for).await;
            }
        });
        Self { address, worker: worker.abort_handle() }
    }

    fn target(&self) -> Resolved {
        target(&format!("postgres://shop:{PASSWORD}@{}/tradewind_{{module}}", self.address))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

/// Reads the startup message and answers it with an error (PostgreSQL's manual, "Message Formats").
async fn refuse(mut client: TcpStream, code_for: impl Fn(&str) -> &'static str) -> io::Result<()> {
    let length = client.read_u32().await?;
    let mut startup = vec![0; (length as usize).saturating_sub(4)];
    client.read_exact(&mut startup).await?;
    let words = startup.get(4..).unwrap_or_default().split(|byte| *byte == 0);
    let database = words.skip_while(|word| *word != b"database").nth(1).unwrap_or_default();
    let code = code_for(&String::from_utf8_lossy(database));
    if code == SILENCE {
        // until it hangs up
        return client.read_u8().await.map(drop);
    }
    let body = format!("SFATAL\0VFATAL\0C{code}\0Mit says {code}\0\0");
    client.write_u8(b'E').await?;
    client.write_u32(u32::try_from(body.len()).map_err(io::Error::other)? + 4).await?;
    client.write_all(body.as_bytes()).await?;
    client.shutdown().await
}

fn target(url: &str) -> Resolved {
    sqlx::any::install_default_drivers();
    let url = StoreUrl::parse(url).expect("an address");
    url.for_module("orders", Placement::Own).expect("resolves")
}

async fn refused_by(target: &Resolved, patience: Duration) -> StoreError {
    match reach(target, patience).await {
        Ok(_) => panic!("it lets us in"),
        Err(error) => error,
    }
}

/// What a log says of it.
fn told(error: &StoreError) -> String {
    let told = contracts::error::chain(error);
    assert!(!told.contains(PASSWORD), "{told}");
    told
}

#[tokio::test]
async fn a_server_that_is_away_or_not_ready_is_waited_for_and_given_up_in_the_end() {
    let starting = Scripted::saying(|_| "57P03").await;
    let full = Scripted::saying(|_| "53300").await;
    // nothing listens on port 1
    let away = target(&format!("postgres://shop:{PASSWORD}@127.0.0.1:1/tradewind_{{module}}"));
    for (target, says) in [(starting.target(), "57P03"), (full.target(), "53300"), (away, "refused")] {
        let error = refused_by(&target, Duration::from_millis(300)).await;
        assert!(matches!(error, StoreError::Away { .. }) && error.is_passing(), "{error:?}");
        let told = told(&error);
        assert!(told.contains("127.0.0.1:") && told.contains("(database tradewind_orders)"), "{told}");
        assert!(told.contains(says), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_not_waited_for() {
    for code in ["28P01", "28000", "42501"] {
        let server = Scripted::saying(move |_| code).await;
        let error = refused_by(&server.target(), LONG).await;
        assert!(matches!(error, StoreError::Refused { .. }) && !error.is_passing(), "{error:?}");
        let told = told(&error);
        for part in ["refuses these credentials", "user shop", "tradewind_orders", "TRADEWIND_STORE", code] {
            assert!(told.contains(part), "{told:?} does not say {part:?}");
        }
    }
    let server = Scripted::saying(|_| "0A000").await;
    let error = refused_by(&server.target(), LONG).await;
    assert!(matches!(error, StoreError::Sql(_)), "anything else ends the start as it is: {error:?}");
}

#[tokio::test]
async fn a_server_that_falls_silent_when_it_is_to_create_a_database_is_not_waited_for_for_ever() {
    let server = Scripted::saying(|database| if database == "postgres" { SILENCE } else { "3D000" }).await;
    let target = server.target();
    let named = Server::of(&target).expect("an address");
    let Err(error) = within(Duration::from_millis(300), let_in(&target, &named)).await else {
        panic!("it lets us in");
    };
    assert!(error.is_passing(), "it is asked again: {error:?}");
    assert!(told(&error).contains("timed out"), "{}", told(&error));
}

#[tokio::test]
async fn a_database_that_is_missing_and_may_not_be_created_is_named() {
    let server = Scripted::saying(|database| if database == "postgres" { "42501" } else { "3D000" }).await;
    let error = refused_by(&server.target(), LONG).await;
    assert!(matches!(error, StoreError::NoDatabase { .. }), "{error:?}");
    let told = told(&error);
    for part in ["no database tradewind_orders", "user shop may not create it", "TRADEWIND_STORE", "42501"] {
        assert!(told.contains(part), "{told:?} does not say {part:?}");
    }
}

/// The addresses of fresh databases on the real server; none where there is no such server.
async fn on_postgres() -> Vec<reqwest::Url> {
    let databases = testkit::databases().await;
    let urls = databases.iter().filter(|database| database.name == "postgres");
    urls.map(|database| reqwest::Url::parse(&database.url).expect("an address")).collect()
}

#[tokio::test]
async fn a_server_that_comes_is_let_in_by() {
    for mut url in on_postgres().await {
        let server = (url.host_str().expect("a host").to_owned(), url.port().unwrap_or(5432));
        let server = tokio::net::lookup_host(server).await.expect("an address").next().expect("an address");
        let proxy = Proxy::to(server).await;
        proxy.cut().await;
        url.set_ip_host(proxy.address().ip()).expect("an address has a host");
        url.set_port(Some(proxy.address().port())).expect("an address has a port");
        let address = StoreUrl::parse(url.as_str()).expect("an address");
        let opening = Store::open_within(LONG, &address, "late", Migrator::with_migrations(Vec::new()));
        let coming = async {
            tokio::task::yield_now().await;
            proxy.pass().await;
        };
        let (opened, ()) = tokio::join!(opening, coming);
        opened.expect("opens").ping().await.expect("answers");
    }
}

#[tokio::test]
async fn a_real_server_refuses_strangers_and_those_who_may_create_nothing() {
    for url in on_postgres().await {
        let mine = target(url.as_str());
        let mut operator = reach(&mine, Duration::ZERO).await.expect("connects");
        let as_user = |user: &str, database: &str| {
            let mut theirs = url.clone();
            theirs.set_username(user).expect("an address has a user");
            theirs.set_password(Some(PASSWORD)).expect("an address has a password");
            theirs.set_path(&format!("/{database}"));
            target(theirs.as_str())
        };
        let name = url.path().trim_start_matches('/').to_owned();
        let (stranger, plain) = (format!("stranger_{name}"), format!("plain_{name}"));
        let error = refused_by(&as_user(&stranger, &name), LONG).await;
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        assert!(told(&error).contains(&stranger), "{}", told(&error));

        let created = format!("CREATE ROLE {plain} LOGIN PASSWORD '{PASSWORD}'");
        operator.execute(sql(created)).await.expect("creates a user");
        let error = refused_by(&as_user(&plain, &format!("missing_{name}")), LONG).await;
        operator.execute(sql(format!("DROP ROLE {plain}"))).await.expect("removes the user");
        operator.close().await.expect("closes");
        assert!(matches!(error, StoreError::NoDatabase { .. }), "{error:?}");
        assert!(told(&error).contains(&plain), "{}", told(&error));
    }
}
