//! Whether migrations only expand. Two versions work on the same tables during an upgrade, and the older one again
//! after a way back, so what it reads and writes must go on to work: docs/upgrade.md.

/// What the first line of a migration begins and ends with that takes something away, once nothing reads it any more.
/// Between them stands the version, or the commit, since which that is so.
const CONTRACT: (&str, &str) = ("-- contract: since ", " nothing reads this");

const GONE: &str = "what the version before reads or writes would be gone, or something else";
const UNIQUE: &str = "a value that must be unique from now on refuses what the version before writes";
const TIGHTER: &str = "a constraint on what is there refuses what the version before writes";
const WITHOUT_DEFAULT: &str =
    "the version before writes rows without this column: NOT NULL needs a DEFAULT that is no NULL";
const TWO_AT_ONCE: &str = "two columns at once cannot be told apart: give each a statement of its own";
const UNKNOWN: &str =
    "nothing but CREATE TABLE, CREATE INDEX, ADD COLUMN, INSERT and UPDATE is known to only add";

/// The statements of a migration that the version before could not bear, each with the reason.
pub fn contractions(sql: &str) -> Vec<String> {
    if is_contract(sql) {
        return Vec::new();
    }
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    for statement in statements(sql) {
        let words: Vec<&str> = statement.iter().map(String::as_str).collect();
        if let ["CREATE", "TABLE", "IF", "NOT", "EXISTS", table, ..] | ["CREATE", "TABLE", table, ..] =
            words.as_slice()
        {
            begun.push((*table).to_owned());
        } else if let Some(why) = objection(&words, &begun) {
            refused.push(format!("{}: {why}", shown(&words)));
        }
    }
    refused
}

fn is_contract(sql: &str) -> bool {
    let first = sql.trim_start().lines().next().unwrap_or_default();
    let (begin, end) = CONTRACT;
    let since = first.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    since.is_some_and(|since| !since.trim().is_empty())
}

/// Why the version before could not bear this statement. It uses no table that has `begun` with this migration.
fn objection(words: &[&str], begun: &[String]) -> Option<&'static str> {
    let is_new = |table: &&str| begun.iter().any(|new| new == table);
    match words {
        ["CREATE", "INDEX", ..] | ["INSERT", "INTO", ..] | ["UPDATE", ..] => None,
        ["CREATE", "UNIQUE", "INDEX", rest @ ..] => {
            let table = rest.iter().skip_while(|word| **word != "ON").nth(1);
            if table.is_some_and(is_new) { None } else { Some(UNIQUE) }
        }
        ["ALTER", "TABLE", table, ..] if is_new(table) => None,
        [
            "ALTER",
            "TABLE",
            _,
            "ADD",
            "CONSTRAINT" | "CHECK" | "UNIQUE" | "PRIMARY" | "FOREIGN" | "EXCLUDE",
            ..,
        ] => Some(TIGHTER),
        ["ALTER", "TABLE", _, "ADD", column @ ..] => objection_to_column(column),
        ["ALTER" | "DROP" | "DELETE" | "TRUNCATE", ..] => Some(GONE),
        _ => Some(UNKNOWN),
    }
}

/// The same of a column that is added, and of whatever follows it in the statement.
fn objection_to_column(words: &[&str]) -> Option<&'static str> {
    let has = |word: &str| words.contains(&word);
    let has_both = |first, second| words.windows(2).any(|pair| *pair == [first, second]);
    if has("DROP") || has("RENAME") || has("ALTER") {
        return Some(GONE);
    }
    // a DEFAULT of one would pass for that of the other
    if has("ADD") {
        return Some(TWO_AT_ONCE);
    }
    if has("UNIQUE") || has("PRIMARY") {
        return Some(UNIQUE);
    }
    let is_filled = has("DEFAULT") && !has_both("DEFAULT", "NULL");
    (has_both("NOT", "NULL") && !is_filled).then_some(WITHOUT_DEFAULT)
}

/// The words of each statement, in capitals and without comments. What is quoted is one word, as every bracket is.
fn statements(sql: &str) -> Vec<Vec<String>> {
    let is_word = |letter: char| letter.is_alphanumeric() || "_{}.$".contains(letter);
    let (mut statements, mut words) = (Vec::new(), Vec::new());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            letter if is_word(letter) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            other => other.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        if word == ";" {
            statements.push(std::mem::take(&mut words));
        } else if !word.starts_with("--") && !word.trim().is_empty() {
            words.push(word.to_uppercase());
        }
    }
    statements.push(words);
    statements.retain(|words| !words.is_empty());
    statements
}

/// How a statement begins.
fn shown(words: &[&str]) -> String {
    words.iter().take(6).copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_adds_is_welcome() {
        for sql in [
            "",
            "-- DROP TABLE parts;",
            "ALTER TABLE parts ADD COLUMN origin TEXT",
            "ALTER TABLE parts ADD origin TEXT;",
            "alter table parts add column tries BIGINT NOT NULL DEFAULT 0 CHECK (tries >= 0);",
            "ALTER TABLE parts ADD COLUMN said TEXT NOT NULL DEFAULT 'it; -- DROP';",
            "CREATE INDEX parts_by_name ON parts (name);",
            "CREATE TABLE whole (id TEXT PRIMARY KEY);\nCREATE UNIQUE INDEX w ON whole (id);\nINSERT INTO whole VALUES ('1');",
            "CREATE TABLE IF NOT EXISTS whole (id TEXT); ALTER TABLE whole ADD COLUMN name TEXT NOT NULL;",
            "CREATE TABLE {module}_whole (id TEXT); CREATE UNIQUE INDEX w ON {module}_whole (id);",
            "UPDATE parts SET name = 'none' WHERE name = '';",
        ] {
            assert_eq!(contractions(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn what_takes_away_or_tightens_is_refused_with_its_reason() {
        for (sql, why) in [
            ("DROP TABLE parts", GONE),
            ("ALTER TABLE parts DROP COLUMN name", GONE),
            ("ALTER TABLE parts RENAME COLUMN name TO label", GONE),
            ("ALTER TABLE parts RENAME TO pieces", GONE),
            ("ALTER TABLE parts ALTER COLUMN name TYPE BIGINT", GONE),
            ("ALTER TABLE parts ALTER COLUMN name SET NOT NULL", GONE),
            ("ALTER TABLE parts ADD COLUMN label TEXT, DROP COLUMN name", GONE),
            ("DELETE FROM parts", GONE),
            ("ALTER TABLE parts ADD COLUMN label TEXT NOT NULL", WITHOUT_DEFAULT),
            ("ALTER TABLE parts ADD COLUMN label TEXT NOT NULL DEFAULT NULL", WITHOUT_DEFAULT),
            ("ALTER TABLE parts ADD label TEXT not\nnull", WITHOUT_DEFAULT),
            ("ALTER TABLE parts ADD a TEXT NOT NULL, ADD b TEXT DEFAULT ''", TWO_AT_ONCE),
            ("ALTER TABLE parts ADD COLUMN label TEXT UNIQUE", UNIQUE),
            ("CREATE UNIQUE INDEX parts_by_name ON parts (name)", UNIQUE),
            ("ALTER TABLE parts ADD CONSTRAINT named CHECK (name <> '')", TIGHTER),
            ("CREATE TRIGGER t BEFORE INSERT ON parts", UNKNOWN),
        ] {
            let refused = contractions(sql);
            let [only] = refused.as_slice() else { panic!("{sql}: {refused:?}") };
            assert!(only.ends_with(why), "{only}");
        }
    }

    #[test]
    fn whoever_contracts_says_since_when_nothing_reads_it() {
        let drop = "ALTER TABLE parts DROP COLUMN name;";
        let with = |first: &str| contractions(&format!("{first}\n{drop}"));
        assert_eq!(with("-- contract: since 0.4.0 nothing reads this"), [""; 0]);
        for not_enough in [
            "-- contract",
            "-- contract: since  nothing reads this",
            "-- contract: since 0.4.0 it is not needed",
        ] {
            assert_eq!(with(not_enough).len(), 1, "{not_enough}");
        }
        assert_eq!(contractions(&format!("{drop}\n-- contract: since 0.4.0 nothing reads this")).len(), 1);
    }
}
