//! A mail server that follows a script: a few lines of SMTP, no more than a client of ours needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use notifications::config::SmtpConfig;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What the server does in one connection.
#[derive(Debug, Clone, Copy)]
pub enum Scene {
    /// Takes the mail.
    Accept,
    /// Says this instead of its greeting.
    Greet(&'static str),
    /// Says this to the recipient.
    Recipient(&'static str),
    /// Says this to the mail.
    Content(&'static str),
    /// Takes the mail, and hangs up without a word.
    TakeAndHangUp,
    /// Says nothing at all.
    Hang,
    /// Takes the mail, and says nothing to the farewell.
    AcceptAndHang,
}

/// A running server. It ends when dropped.
pub struct Server {
    port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Server {
    /// A server that plays one scene a connection; the last one again and again.
    pub async fn playing(script: &'static [Scene]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (mails, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (taken, counted) = (mails.clone(), connections.clone());
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            let mut script = script.iter().copied();
            let mut scene = Scene::Accept;
            while let Ok((stream, _)) = listener.accept().await {
                scene = script.next().unwrap_or(scene);
                counted.fetch_add(1, Ordering::SeqCst);
                // a client that hangs up is no business of the server's
                let taken = taken.clone();
                open.spawn(async move { play(stream, scene, &taken).await.ok() });
            }
        });
        Self { port, mails, connections, task: task.abort_handle() }
    }

    /// The mails that it took, as they came, without the dots.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().clone()
    }

    /// How many connections it has had.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Settings that lead to it.
    pub fn config(&self) -> SmtpConfig {
        SmtpConfig { host: "127.0.0.1".into(), port: self.port, ..SmtpConfig::default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(stream: TcpStream, scene: Scene, taken: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    match scene {
        Scene::Hang => std::future::pending().await,
        Scene::Greet(words) => say(&mut stream, words).await?,
        _ => say(&mut stream, "220 a mail server").await?,
    }
    loop {
        let mut command = String::new();
        if stream.read_line(&mut command).await? == 0 {
            return Ok(());
        }
        match (command.get(..4).unwrap_or("").to_ascii_uppercase().as_str(), scene) {
            ("EHLO", _) => say(&mut stream, "250 a mail server").await?,
            ("RCPT", Scene::Recipient(words)) => say(&mut stream, words).await?,
            ("DATA", _) => {
                say(&mut stream, "354 go on").await?;
                let mail = content(&mut stream).await?;
                match scene {
                    Scene::Content(words) => say(&mut stream, words).await?,
                    Scene::TakeAndHangUp => {
                        taken.lock().push(mail);
                        return Ok(());
                    }
                    _ => {
                        taken.lock().push(mail);
                        say(&mut stream, "250 taken").await?;
                    }
                }
            }
            ("QUIT", Scene::AcceptAndHang) => std::future::pending().await,
            ("QUIT", _) => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "250 so be it").await?,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await
}

async fn content(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_str() {
            ".\r\n" => return Ok(mail),
            // RFC 5321, 4.5.2: a dot at the start of a line is doubled
            dotted => mail.push_str(dotted.strip_prefix('.').unwrap_or(dotted)),
        }
    }
}
