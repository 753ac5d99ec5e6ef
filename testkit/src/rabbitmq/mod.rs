//! A real RabbitMQ, small and quick to start, for a test or for all tests of a process.

mod management;
mod virtual_host;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::management::Management;
pub use self::management::QueueInfo;
pub use self::virtual_host::{VirtualHost, virtual_host};
use crate::engine::{Engine, engines_hidden, lasting_ports, require_or_skip, unique};

/// How long a start may take; it takes five seconds on a machine that is not busy.
const START: Duration = Duration::from_secs(90);
/// How long the guard may take to obey.
const OBEY: Duration = Duration::from_secs(20);
/// How long a connection that only asks whether the server is there may take.
const PROBE: Duration = Duration::from_secs(2);

/// Starts the server as the script that RabbitMQ comes with does. Four things differ:
/// - the Erlang VM takes the shell's place (`RABBITMQ_ALLOW_INPUT` with `-noinput`): `$pid` is the
///   VM's, so that `kill -9` hits the broker and not its wrapper;
/// - no epmd (Erlang's port mapper, a daemon that outlives the server and that all servers of a machine
///   share) is started, not even by RabbitMQ's own once-a-minute look after it: `ERL_AFLAGS` reaches
///   every Erlang VM that it starts. The node listens on the port that it is given here instead;
/// - statistics of quorum and stream queues come every second, not every five: tests wait for them;
/// - two schedulers that never spin, so that several servers and the tests can share a small machine.
const SCRIPT: &str = r#"
scratch="$SCRATCH"
stop=KILL
mkdir -p "$scratch" && chmod 700 "$scratch" && cd "$scratch" || exit 1
printf '%s\n' "$CONFIGURATION" >rabbitmq.conf
echo '[rabbitmq_management].' >plugins
export HOME="$scratch" ERL_CRASH_DUMP_SECONDS=0
export ERL_AFLAGS="-start_epmd false -erl_epmd_port $NODE_PORT"
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_ALLOW_INPUT=true
export RABBITMQ_CONF_ENV_FILE="$scratch/none" RABBITMQ_ADVANCED_CONFIG_FILE="$scratch/none"
export RABBITMQ_CONFIG_FILE="$scratch/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$scratch/plugins"
export RABBITMQ_MNESIA_BASE="$scratch/data" RABBITMQ_LOG_BASE="$scratch" RABBITMQ_LOGS="$scratch/server.log"
export RABBITMQ_PID_FILE="$scratch/server.pid"
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-noinput -sname $RABBITMQ_NODENAME \
    -kernel inet_dist_use_interface {127,0,0,1} \
    -rabbit quorum_tick_interval 1000 -rabbit stream_tick_interval 1000 +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
run_engine() {
    "$BIN/rabbitmq-server" >>"$scratch/start.log" 2>&1 </dev/null &
    pid=$!
}
run_engine"#;

/// A RabbitMQ server of a test's own. It ends with this value, or with the test's process.
pub struct RabbitMq {
    // shared with the blocking calls that wait for the guard
    engine: Arc<Mutex<Engine>>,
    port: u16,
    default_host: VirtualHost,
    scratch: PathBuf,
}

impl RabbitMq {
    /// Starts one on ports of its own, or says what is skipped where RabbitMQ is missing. Several may
    /// run at once.
    pub async fn start() -> Option<Self> {
        Some(Self::start_from(&programs_or_skip()?).await)
    }

    async fn start_from(programs: &Path) -> Self {
        let [port, management, node] = lasting_ports();
        let scratch = std::env::temp_dir().join(format!("tradewind-mq-{}", unique()));
        let (bin, folder) = (programs.display().to_string(), scratch.display().to_string());
        let variables = [
            ("SCRATCH", folder.as_str()),
            ("BIN", &bin),
            ("NODE_PORT", &node.to_string()),
            ("CONFIGURATION", &configuration(port, management)),
        ];
        let engine = Engine::start(SCRIPT, None, &variables).expect("a shell");
        let management = Management::new(&format!("http://127.0.0.1:{management}"), "guest", "guest");
        let default_host =
            VirtualHost::existing(format!("amqp://guest:guest@127.0.0.1:{port}"), "/", management);
        let server = Self { engine: Arc::new(Mutex::new(engine)), port, default_host, scratch };
        server.ready().await;
        // The first stream queue of a server starts the coordinator of all. RabbitMQ 3.10, killed within
        // a second or two of that, was seen never to bring its streams back: so start it now.
        server.default_host.declare_queue("first-stream", "stream").await;
        server.default_host.delete_queue("first-stream").await;
        server
    }

    /// `amqp://guest:guest@127.0.0.1:PORT`: its default virtual host.
    pub fn url(&self) -> &str {
        &self.default_host.url
    }

    /// The port for AMQP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its default virtual host, `/`.
    pub fn default_host(&self) -> &VirtualHost {
        &self.default_host
    }

    /// A fresh virtual host on this server.
    pub async fn virtual_host(&self) -> VirtualHost {
        VirtualHost::create(self.url(), self.default_host.management()).await
    }

    /// Ends it as `kill -9` does; returns when it is gone. Its data stay.
    /// Only stream queues may not come back where this happens within a few seconds of
    /// [`Self::start`].
    pub async fn kill(&self) {
        self.order(Engine::kill).await;
    }

    /// Starts it again on the same ports and data, after a [`Self::kill`] if it still runs; returns when
    /// it takes AMQP connections. Stream queues may need a moment more.
    pub async fn restart(&self) {
        self.kill().await;
        self.order(Engine::start_again).await;
        self.ready().await;
    }

    async fn order(&self, order: fn(&mut Engine) -> io::Result<()>) {
        let engine = Arc::clone(&self.engine);
        let obeyed = tokio::task::spawn_blocking(move || {
            order(&mut engine.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let obeyed = tokio::time::timeout(OBEY, obeyed).await.expect("the guard obeys in time");
        obeyed.expect("an order does not panic").expect("the guard runs");
    }

    async fn ready(&self) {
        let up = async {
            while !(speaks_amqp(self.port).await && self.default_host.management().is_up().await) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(START, up).await.is_err() {
            let log = |name| std::fs::read_to_string(self.scratch.join(name)).unwrap_or_default();
            panic!("RabbitMQ was not up within {START:?}:\n{}\n{}", log("start.log"), log("server.log"));
        }
    }
}

fn configuration(port: u16, management: u16) -> String {
    // classic queues and connections tell of themselves every second, too, and the management API
    // collects what all tell as often as its finest samples are apart
    format!(
        "listeners.tcp.default = 127.0.0.1:{port}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {management}\n\
         loopback_users = none\n\
         collect_statistics_interval = 1000\n\
         management.sample_retention_policies.global.minute = 1\n\
         management.sample_retention_policies.basic.minute = 1\n\
         management.sample_retention_policies.detailed.minute = 1\n\
         disk_free_limit.absolute = 50MB\n\
         vm_memory_high_watermark.absolute = 400MB\n\
         log.console = false\n"
    )
}

/// Whether a server answers the protocol header with a method frame (`connection.start`).
async fn speaks_amqp(port: u16) -> bool {
    let handshake = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"AMQP\x00\x00\x09\x01").await.ok()?;
        stream.read_u8().await.ok()
    };
    matches!(tokio::time::timeout(PROBE, handshake).await, Ok(Some(1)))
}

/// The folder with the server's own start script, or a word on what is skipped.
fn programs_or_skip() -> Option<PathBuf> {
    if engines_hidden() {
        require_or_skip("RabbitMQ", "rabbitmq-server (hidden by TRADEWIND_NO_ENGINES=1)");
        return None;
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    // Debian puts a wrapper on the path that runs only as root, for the one server of the system; the
    // script that it calls stands beside its `rabbitmq-env`
    let found = std::iter::once(PathBuf::from("/usr/lib/rabbitmq/bin"))
        .chain(std::env::split_paths(&search))
        .find(|folder| folder.join("rabbitmq-server").is_file() && folder.join("rabbitmq-env").is_file());
    if found.is_none() {
        require_or_skip("RabbitMQ", "rabbitmq-server");
    }
    found
}
