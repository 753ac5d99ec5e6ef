//! `tradewind dead-letters`

use chassis::messaging::dead_letters::{DeadLetter, DeadLetterDetail, DeadLetterList, Dealt};
use futures::future::join_all;
use reqwest::Method;
use serde::Serialize;

use crate::cli::{DeadLetterArgs, DeadLettersCommand, DeadLettersListArgs, RedriveArgs};
use crate::client::{RequestError, Shop};
use crate::exit::Ending;
use crate::text;

/// Those who consume queues that have dead letters.
const MODULES: [&str; 5] = ["orders", "inventory", "payments", "shipping", "notifications"];

/// Looks at dead letters, sends them again, drops them.
pub async fn dead_letters(command: DeadLettersCommand) -> anyhow::Result<()> {
    match command {
        DeadLettersCommand::List(args) => list(&args).await,
        DeadLettersCommand::Show(args) => show(&args).await,
        DeadLettersCommand::Redrive(args) => redrive(&args).await,
        DeadLettersCommand::Drop(args) => drop_one(&args).await,
    }
}

/// A module that can be asked.
struct Desk {
    module: String,
    address: String,
}

impl Desk {
    fn path(&self, rest: &str) -> String {
        format!("/control/{}/dead-letters{rest}", self.module)
    }
}

/// The modules that can be asked: `wanted`, or all.
async fn desks(shop: &Shop, wanted: Option<&str>) -> anyhow::Result<Vec<Desk>> {
    if let Some(module) = wanted.filter(|module| !MODULES.contains(module)) {
        return Err(Ending::Usage(format!("{module:?} is not one of {}", MODULES.join(", "))).into());
    }
    let status = shop.status().await?;
    let asked = MODULES.iter().filter(|module| wanted.is_none_or(|wanted| wanted == **module));
    // one instance of each: they share their dead letters
    let desks: Vec<Desk> = asked
        .filter_map(|module| {
            let address = status.hosts_of(module).next()?.http_address()?.to_owned();
            Some(Desk { module: (*module).to_owned(), address })
        })
        .collect();
    anyhow::ensure!(!desks.is_empty(), "no module that could be asked is ready; see `tradewind status`");
    Ok(desks)
}

async fn list(args: &DeadLettersListArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let desks = desks(&shop, args.module.as_deref()).await?;
    let asked = desks
        .iter()
        .map(|desk| shop.read::<DeadLetterList>(shop.at(&desk.address, &desk.path("?limit=1000"))));
    let lists = join_all(asked).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    if args.json {
        return super::print_json(&lists);
    }
    Ok(text::say(listed(&lists))?)
}

fn listed(lists: &[DeadLetterList]) -> String {
    let letters: Vec<&DeadLetter> = lists.iter().flat_map(|list| &list.letters).collect();
    if letters.is_empty() {
        return "no dead letters".into();
    }
    let mut rows = vec![text::row(["message", "queue", "what it says", "order", "attempts", "cause"])];
    rows.extend(letters.iter().map(|letter| {
        text::row([
            letter.message_id.as_deref().unwrap_or(&letter.id),
            &letter.queue,
            letter.kind.as_deref().unwrap_or("-"),
            letter.subject.as_deref().unwrap_or("-"),
            &letter.attempts.map_or_else(|| "-".to_owned(), |attempts| attempts.to_string()),
            &text::shortened(&letter.cause),
        ])
    }));
    let mut told = text::table(&rows);
    for list in lists.iter().filter(|list| list.more) {
        told.push_str(&format!("{} has more than these\n", list.module));
    }
    told
}

async fn show(args: &DeadLetterArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    for desk in desks(&shop, None).await? {
        let path = desk.path(&format!("/{}", args.message));
        match shop.read::<DeadLetterDetail>(shop.at(&desk.address, &path)).await {
            Ok(detail) if args.json => return super::print_json(&detail),
            Ok(detail) => return Ok(text::say(shown(&detail))?),
            Err(error) if is_unknown(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(unknown(&args.message))
}

fn shown(detail: &DeadLetterDetail) -> String {
    let letter = &detail.letter;
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let mut rows = vec![
        text::row(["message", &or_dash(&letter.message_id)]),
        text::row(["queue", &letter.queue]),
        text::row(["says", &or_dash(&letter.kind)]),
        text::row(["order", &or_dash(&letter.subject)]),
        text::row(["cause", &letter.cause]),
        text::row(["attempts", &letter.attempts.map_or_else(|| "-".to_owned(), |n| n.to_string())]),
        text::row(["trace", &or_dash(&letter.trace_id)]),
    ];
    rows.extend(
        detail.headers.iter().map(|(name, value)| text::row([&format!("  {name}"), &value.to_string()])),
    );
    let body = serde_json::to_string_pretty(&detail.body).unwrap_or_default();
    format!("{}\n{body}\n", text::table(&rows))
}

/// What became of a change, for programs.
#[derive(Debug, Serialize)]
struct Changed {
    letters: usize,
    more: bool,
}

async fn redrive(args: &RedriveArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let desks = desks(&shop, args.module.as_deref()).await?;
    let changed = match &args.message {
        Some(message) => one(&shop, &desks, Method::POST, &format!("/{message}/redrive"), message).await?,
        None => {
            let mut changed = Changed { letters: 0, more: false };
            for desk in desks {
                let request = shop.change_at(Method::POST, &desk.address, &desk.path("/redrive"))?;
                let Dealt { letters, more } = shop.read(request).await?;
                changed.letters += letters;
                changed.more |= more;
            }
            changed
        }
    };
    if args.json {
        return super::print_json(&changed);
    }
    let more = if changed.more { "; there are more: say it again" } else { "" };
    Ok(text::say(format!("{} sent again{more}", text::count(changed.letters, "message")))?)
}

async fn drop_one(args: &DeadLetterArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let desks = desks(&shop, None).await?;
    let path = format!("/{}", args.message);
    let changed = one(&shop, &desks, Method::DELETE, &path, &args.message).await?;
    if args.json {
        return super::print_json(&changed);
    }
    Ok(text::say(format!("{} dropped", text::count(changed.letters, "message")))?)
}

/// Changes one letter, wherever it is; the same message may lie in the queues of several modules.
async fn one(
    shop: &Shop,
    desks: &[Desk],
    method: Method,
    path: &str,
    message: &str,
) -> anyhow::Result<Changed> {
    let mut changed = Changed { letters: 0, more: false };
    for desk in desks {
        let request = shop.change_at(method.clone(), &desk.address, &desk.path(path))?;
        match shop.read::<Dealt>(request).await {
            Ok(dealt) => changed.letters += dealt.letters,
            Err(error) if is_unknown(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if changed.letters == 0 { Err(unknown(message)) } else { Ok(changed) }
}

fn is_unknown(error: &RequestError) -> bool {
    matches!(error, RequestError::Refused(problem) if problem.code == contracts::Code::NotFound)
}

fn unknown(message: &str) -> anyhow::Error {
    Ending::Usage(format!("there is no dead letter {message}; `tradewind dead-letters list` shows them"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_the_message_its_queue_and_its_cause() {
        let letter = DeadLetter {
            id: "letter-1".into(),
            message_id: Some("message-1".into()),
            queue: "payments.commands".into(),
            kind: None,
            subject: None,
            cause: "it cannot be read: it is no JSON".into(),
            attempts: Some(20),
            died_at: None,
            trace_id: None,
            traceparent: None,
        };
        let list = DeadLetterList { module: "payments".into(), letters: vec![letter], more: true };
        let told = listed(&[list]);
        for part in ["message-1", "payments.commands", "20", "no JSON", "payments has more"] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
        assert_eq!(listed(&[]), "no dead letters");
    }
}
