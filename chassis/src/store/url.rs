//! Where a module's database is.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::{Dialect, Placement, StoreError};
use crate::address;

/// The address of the databases of a shop: `sqlite:FOLDER/{module}.db` or `postgres://…/tradewind_{module}`.
/// Where it says `{module}` the module's name is put in for a database of its own, and `shop` for the one
/// that all modules share. An address without `{module}` is one database for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// Where a module's name is put in.
const MODULE: &str = "{module}";
/// What stands in the place of a module's name in the address of the shared database.
const SHARED: &str = "shop";

/// The address of one database.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub dialect: Dialect,
    /// What sqlx connects to. A file that is not there is not made: the migrations do that, and a
    /// connection to a place that was left must not.
    pub connect: String,
    /// The file, on SQLite.
    pub file: Option<PathBuf>,
}

impl StoreUrl {
    /// The address in `text`.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let read = if text.starts_with("sqlite:") {
            Ok(())
        } else if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            let readable = PgConnectOptions::from_str(&text.replace(MODULE, SHARED));
            readable.map(drop).map_err(|error| error.to_string())
        } else {
            Err("it must begin with sqlite:, postgres:// or postgresql://".to_owned())
        };
        match read {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(reason) => Err(StoreError::Address { address: address::shown(text), reason }),
        }
    }

    /// SQLite files in `folder`, one a module.
    pub fn sqlite_in(folder: &Path) -> Self {
        Self(format!("sqlite:{}", folder.join("{module}.db").display()))
    }

    /// The text, to be handed to another process.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all modules are in one database, whatever their placement.
    pub(super) fn is_one_for_all(&self) -> bool {
        !self.0.contains(MODULE)
    }

    /// Where the data of `module` is in that placement.
    pub(super) fn for_module(&self, module: &str, placement: Placement) -> Result<Resolved, StoreError> {
        let name = match placement {
            Placement::Own => prefix(module),
            Placement::Shared => SHARED.to_owned(),
        };
        let address = self.0.replace(MODULE, &name);
        let Some(path) = address.strip_prefix("sqlite:") else {
            return Ok(Resolved { dialect: Dialect::Postgres, connect: address, file: None });
        };
        let file = PathBuf::from(path.trim_start_matches("//"));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        }
        Ok(Resolved {
            dialect: Dialect::Sqlite,
            connect: format!("sqlite:{}?mode=rw", escaped(&file)),
            file: Some(file),
        })
    }
}

/// What the names of a module's tables, and of its own database, begin with.
pub(crate) fn prefix(module: &str) -> String {
    module.replace('-', "_")
}

/// A path without percent signs, question marks and hashes, which would be read as part of an address.
pub(super) fn escaped(file: &Path) -> String {
    file.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(url: &str, placement: Placement) -> String {
        let url = StoreUrl::parse(url).expect("an address");
        url.for_module("card-network", placement).expect("resolves").connect
    }

    #[test]
    fn a_module_has_a_database_of_its_own_and_one_with_the_others() {
        let each = "postgres://shop:secret@db/tradewind_{module}";
        assert_eq!(resolved(each, Placement::Own), "postgres://shop:secret@db/tradewind_card_network");
        assert_eq!(resolved(each, Placement::Shared), "postgres://shop:secret@db/tradewind_shop");
    }

    #[test]
    fn an_address_without_a_name_in_it_is_the_same_for_everybody() {
        let all = "postgres://shop:secret@db/everything";
        for placement in Placement::ALL {
            assert_eq!(resolved(all, placement), all);
        }
        assert!(StoreUrl::parse(all).expect("an address").is_one_for_all());
    }

    #[test]
    fn an_address_of_another_engine_is_refused_without_its_password() {
        let refused =
            StoreUrl::parse("mysql://root:secret@db/x").expect_err("not an engine of ours").to_string();
        assert!(refused.contains("postgres://") && !refused.contains("secret"), "{refused}");
    }

    #[test]
    fn an_address_that_cannot_be_read_is_refused_without_its_password() {
        for broken in ["postgres://shop:secret@host:port/{module}", "postgresql://shop:secret@[::1/{module}"]
        {
            let refused = StoreUrl::parse(broken).expect_err(broken);
            assert!(matches!(refused, StoreError::Address { .. }), "{refused:?}");
            let told = contracts::error::chain(&refused);
            assert!(told.contains("/{module}") && !told.contains("secret"), "{told}");
        }
        StoreUrl::parse("postgres://shop:secret@{module}-db/shop").expect("a server of its own");
    }
}
