//! Whether a text is well-formed XML, as far as pictures use it: elements, attributes, text and character references.

/// The first thing that is not well formed.
pub(super) fn check_xml(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut roots = 0;
    while let Some((before, tag)) = rest.split_once('<') {
        plain(before)?;
        if open.is_empty() && !before.trim().is_empty() {
            return Err(format!("text outside of the root: {before:?}"));
        }
        let (tag, after) = tag.split_once('>').ok_or("a tag does not end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let opened = open.pop();
            if opened != Some(name) {
                return Err(format!("{opened:?} is closed by {name:?}"));
            }
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        check_attributes(attributes)?;
        roots += usize::from(open.is_empty());
        if !empty {
            open.push(name);
        }
    }
    if open.is_empty() && roots == 1 && rest.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("{roots} roots, {open:?} open, {rest:?} behind"))
    }
}

fn check_attributes(attributes: &str) -> Result<(), String> {
    let mut names = Vec::new();
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once("=\"").ok_or_else(|| format!("no attribute: {rest:?}"))?;
        let (value, after) = quoted.split_once('"').ok_or_else(|| format!("no end: {quoted:?}"))?;
        plain(value)?;
        if names.contains(&name) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(format!("{name:?} is no name, or stands twice"));
        }
        names.push(name);
        rest = after.trim_start();
    }
    Ok(())
}

/// Text, where `&` only begins a reference and nothing is forbidden.
fn plain(text: &str) -> Result<(), String> {
    if let Some(control) = text.chars().find(|letter| letter.is_control() && *letter != '\n') {
        return Err(format!("{control:?} is not allowed"));
    }
    let references = text.split('&').skip(1);
    let known =
        |reference: &str| ["amp;", "lt;", "gt;", "quot;"].iter().any(|known| reference.starts_with(known));
    match references.clone().find(|reference| !known(reference)) {
        Some(reference) => Err(format!("&{reference:?} is no reference")),
        None => Ok(()),
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    assert_eq!(check_xml("<a b=\"c\"><d/>&amp;</a>\n"), Ok(()));
    for wrong in [
        "",
        "a",
        "<a>",
        "<a></b>",
        "<a/><a/>",
        "<a b=c/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a>&</a>",
        "<a>\u{1}</a>",
    ] {
        assert!(check_xml(wrong).is_err(), "{wrong}");
    }
}
