//! Where a module's database is.

use std::path::{Path, PathBuf};

use super::{Dialect, StoreError};

/// The address of the databases of a shop: `sqlite:FOLDER/{module}.db` or `postgres://…`. Where it says `{module}`
/// the module's name is put in; a PostgreSQL address without `{module}` is one database that the
/// modules share, each with its own tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// The address of one module's database.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub dialect: Dialect,
    /// What sqlx connects to.
    pub connect: String,
    /// The file, on SQLite.
    pub file: Option<PathBuf>,
}

impl StoreUrl {
    /// The address in `text`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if known.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self(text.to_owned()));
        }
        Err(StoreError::Address {
            address: redacted(text),
            reason: "it must begin with sqlite:, postgres:// or postgresql://".into(),
        })
    }

    /// SQLite files in `folder`, one a module.
    pub fn sqlite_in(folder: &Path) -> Self {
        Self(format!("sqlite:{}", folder.join("{module}.db").display()))
    }

    /// The text, to be handed to another process.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn for_module(&self, module: &str) -> Result<Resolved, StoreError> {
        let address = self.0.replace("{module}", &module.replace('-', "_"));
        let Some(path) = address.strip_prefix("sqlite:") else {
            return Ok(Resolved { dialect: Dialect::Postgres, connect: address, file: None });
        };
        let file = PathBuf::from(path.trim_start_matches("//"));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        }
        // percent signs and question marks would be read as part of the address
        let escaped = file.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Ok(Resolved {
            dialect: Dialect::Sqlite,
            connect: format!("sqlite:{escaped}?mode=rwc"),
            file: Some(file),
        })
    }
}

/// An address as it may stand in a log: without its password.
pub(super) fn redacted(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // the password may hold an @ itself; a host cannot
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_gets_its_own_file_or_database() {
        let url = StoreUrl::parse("postgres://shop:secret@db/tradewind_{module}").expect("an address");
        assert_eq!(
            url.for_module("card-network").expect("resolves").connect,
            "postgres://shop:secret@db/tradewind_card_network"
        );
    }

    #[test]
    fn an_address_of_another_engine_is_refused_without_its_password() {
        let refused =
            StoreUrl::parse("mysql://root:secret@db/x").expect_err("not an engine of ours").to_string();
        assert!(refused.contains("postgres://") && !refused.contains("secret"), "{refused}");
    }

    #[test]
    fn a_password_with_an_at_sign_leaks_no_part_of_itself() {
        assert_eq!(redacted("mysql://root:se@cr@et@db/x"), "mysql://…@db/x");
    }
}
